// I7: at most one live lease per chunk and per ordered partition, none of a paused queue, and never more handler calls in
// one worker than its queue's concurrency allows, those left out that ignore their timeout. Time is the store's.

import type { Facts } from './facts.js'
import type { Claimed, Started } from './history.js'
import { LeaseTable } from './lease-table.js'
import { type Findings, findings, type Violation } from './violation.js'

export function oneLiveLease(facts: Facts): readonly Violation[] {
  const found = findings('I7')
  const leases = new LeaseTable()
  const calls = new CallsAtOnce(facts, found)
  const paused = new Set<string>()
  for (const event of facts.history.events) {
    if (event.kind === 'appended' && event.settled === true) {
      const queue = facts.history.types[event.type]?.queue ?? ''
      if (paused.has(queue)) found.add(event.at, event.chunkId, `was settled while queue ${queue} is paused`)
    } else if (event.kind === 'claimed') {
      if (paused.has(event.queue))
        found.add(event.at, event.chunkId, `was claimed while queue ${event.queue} is paused`)
      checkClaim(event, leases, found)
      leases.claim(event)
    } else if (event.kind === 'written') leases.write(event)
    else if (event.kind === 'started') calls.start(event)
    else if (event.kind === 'ended') calls.end(event.call)
    else if (event.kind === 'paused') {
      if (event.paused) paused.add(event.queue)
      else paused.delete(event.queue)
    }
  }
  return found.list
}

function checkClaim(event: Claimed, leases: LeaseTable, found: Findings): void {
  const { at, chunkId } = event
  if (leases.live(chunkId, at)) {
    const held = leases.of(chunkId)
    found.add(
      at,
      chunkId,
      `was claimed by ${event.worker}, but ${held?.claim.worker} holds it until ${held?.expiresAt}`,
    )
  }
  if (event.partition === null) return
  for (const { claim } of leases.liveAt(at)) {
    if (claim.chunkId === chunkId || claim.queue !== event.queue || claim.partition !== event.partition)
      continue
    found.add(
      at,
      chunkId,
      `was claimed while ${claim.chunkId} of the same partition ${event.partition} is leased`,
    )
  }
}

/** Handler calls that run at this moment, per worker and queue. */
class CallsAtOnce {
  readonly #facts: Facts
  readonly #found: Findings
  readonly #running = new Map<number, Started>()

  constructor(facts: Facts, found: Findings) {
    this.#facts = facts
    this.#found = found
  }

  start(event: Started): void {
    if (this.#running.has(event.call)) return
    this.#running.set(event.call, event)
    const queue = this.#queueOf(event)
    const limit = this.#facts.history.queues[queue]?.concurrency
    if (limit === undefined) return
    let calls = 0
    for (const [call, other] of this.#running) {
      if (other.worker !== event.worker || this.#queueOf(other) !== queue) continue
      if (this.#isHung(other, event.at)) this.#running.delete(call)
      else calls++
    }
    if (calls > limit) {
      this.#found.add(
        event.at,
        event.id,
        `is handler call ${calls} at once of ${event.worker} in ${queue}, limit ${limit}`,
      )
    }
  }

  end(call: number): void {
    this.#running.delete(call)
  }

  #isHung(run: Started, at: number): boolean {
    return at - run.at >= (this.#facts.history.types[run.type]?.hungAfterMs ?? Number.POSITIVE_INFINITY)
  }

  #queueOf(run: Started): string {
    return this.#facts.history.types[run.type]?.queue ?? ''
  }
}
