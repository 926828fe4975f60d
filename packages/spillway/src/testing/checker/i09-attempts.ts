// I9: attempts never exceed the policy, a crash counts as one, and a dead command is in exactly one place.

import { CRASHES_BEFORE_ISOLATION } from '../../domain/index.js'
import { type Facts, leaseKey } from './facts.js'
import type { Claimed, LeaseWritten, Started } from './history.js'
import { LeaseTable } from './lease-table.js'
import { type Findings, findings, type Violation } from './violation.js'

export function attempts(facts: Facts): readonly Violation[] {
  const found = findings('I9')
  const leases = new LeaseTable()
  const expiries = new Map<string, number>()
  const runs = new Runs(facts, found)
  for (const event of facts.history.events) {
    if (event.kind === 'claimed') {
      countCrash(event, leases, expiries, found)
      leases.claim(event)
    } else if (event.kind === 'written') {
      checkUpdates(event, facts, found)
      runs.write(event)
      leases.write(event)
    } else if (event.kind === 'started') runs.start(event)
    else if (event.kind === 'controlled' && event.verb === 'redrive' && event.verdict === 'ok')
      runs.redrive(event.id)
  }
  checkDead(facts, found)
  return found.list
}

/** A lease that was neither completed nor given back before the next claim has expired: its worker crashed or stalled. */
function countCrash(
  event: Claimed,
  leases: LeaseTable,
  expiries: Map<string, number>,
  found: Findings,
): void {
  const crashed = leases.of(event.chunkId)?.open === true
  const expected = (expiries.get(event.chunkId) ?? 0) + (crashed ? 1 : 0)
  expiries.set(event.chunkId, expected)
  if (event.expiries !== expected) {
    found.add(
      event.at,
      event.chunkId,
      `was claimed with ${event.expiries} expiries after ${expected} expired leases`,
    )
  }
}

function checkUpdates(event: LeaseWritten, facts: Facts, found: Findings): void {
  const type = facts.claims.get(leaseKey(event))?.type
  const limit = type === undefined ? undefined : facts.history.types[type]?.attempts
  if (limit === undefined) return
  for (const { id, state, attempts } of event.updates) {
    if (attempts > limit || (state === 'retrying' && attempts >= limit)) {
      found.add(event.at, id, `was settled as ${state} after ${attempts} attempts of ${limit}`)
    }
  }
}

/** Crashes that count for every command of a chunk; later ones happen in isolation and count for the command that ran alone. */
function countedCrashes(expiries: number, attempts: number): number {
  return Math.min(expiries, Math.max(1, Math.min(CRASHES_BEFORE_ISOLATION, attempts - 1)))
}

/** Executions per command since it was accepted or last redriven. */
class Runs {
  readonly #facts: Facts
  readonly #found: Findings
  readonly #attempts = new Map<string, Set<number>>()

  constructor(facts: Facts, found: Findings) {
    this.#facts = facts
    this.#found = found
  }

  start(event: Started): void {
    if (event.stage !== undefined && event.stage !== 'execute') return
    const rule = this.#facts.history.types[event.type]
    const claim = this.#facts.claims.get(leaseKey(event))
    const before = claim?.commands.find(({ id }) => id === event.id)?.attempts
    if (rule === undefined || claim === undefined || before === undefined) return
    const expected = before + countedCrashes(claim.expiries, rule.attempts) + 1
    if (event.attempt !== expected)
      this.#found.add(event.at, event.id, `ran as attempt ${event.attempt}, expected ${expected}`)
    if (event.attempt > rule.attempts)
      this.#found.add(event.at, event.id, `ran as attempt ${event.attempt} of ${rule.attempts}`)
    const ran = this.#attempts.get(event.id) ?? new Set()
    // A transaction that was rolled back leaves nothing behind, so its attempt may be run again.
    if (ran.has(event.attempt) && rule.effects === 'plain') {
      this.#found.add(event.at, event.id, `ran attempt ${event.attempt} a second time`)
    }
    this.#attempts.set(event.id, ran.add(event.attempt))
  }

  /** What is given back unfinished is not counted as an attempt. */
  write(event: LeaseWritten): void {
    if (!event.release || event.verdict === 'stale') return
    for (const { id } of this.#facts.claims.get(leaseKey(event))?.commands ?? []) this.#attempts.delete(id)
  }

  redrive(id: string): void {
    this.#attempts.delete(id)
  }
}

function checkDead(facts: Facts, found: Findings): void {
  const seen = new Set<string>()
  for (const { id, state } of facts.history.final.commands) {
    if (seen.has(id) && state === 'dead') found.add(facts.history.final.at, id, 'is dead in two places')
    seen.add(id)
  }
}
