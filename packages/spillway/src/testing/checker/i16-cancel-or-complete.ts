// I16: of a cancel and a completion exactly one wins, and everybody is told the same. A cancel that was answered `ok`
// took a command that was waiting and keeps it from ever being claimed; one that was refused had a reason. A discard is the cancel of
// what had failed. That a token wins once is next door, in i16-tokens.ts.

import { type CommandState, statesAllowing } from '../../domain/index.js'
import type { Facts } from './facts.js'
import type { Claimed, Controlled, LeaseWritten, Snapshot } from './history.js'
import { type Findings, findings, type Violation } from './violation.js'

const ALLOWED: Readonly<Record<Controlled['verb'], readonly CommandState[]>> = {
  cancel: statesAllowing('cancel'),
  redrive: statesAllowing('redrive'),
  discard: statesAllowing('discard'),
}

interface Fates {
  /** When the cancel was answered `ok`, by id. */
  readonly cancelled: Map<string, number>
  /** What the store recorded as succeeded, even while its chunk is still held. */
  readonly finished: Set<string>
}

export function cancelOrComplete(facts: Facts): readonly Violation[] {
  const found = findings('I16')
  const fates: Fates = { cancelled: new Map(), finished: new Set() }
  for (const event of facts.history.events) {
    if (event.kind === 'controlled') control(event, fates, found)
    else if (event.kind === 'claimed') claim(event, fates, found)
    else if (event.kind === 'written' && event.verdict === 'ok') write(event, fates, found)
    else if (event.kind === 'observed' && event.snapshot !== null) see(event.at, event.snapshot, fates, found)
  }
  for (const command of facts.history.final.commands) see(facts.history.final.at, command, fates, found)
  return found.list
}

function control(event: Controlled, fates: Fates, found: Findings): void {
  const { at, id, verb, verdict, before } = event
  const possible = before !== null && ALLOWED[verb].includes(before.state)
  if (verdict === 'ok') {
    if (!possible)
      found.add(at, id, `${verb} was answered ok while the command was ${before?.state ?? 'absent'}`)
    if (verb === 'cancel' && fates.finished.has(id)) found.add(at, id, 'was cancelled after it had succeeded')
    if (verb === 'redrive') fates.cancelled.delete(id)
    else fates.cancelled.set(id, at)
  } else if (possible && !fates.finished.has(id)) {
    found.add(at, id, `${verb} was answered ${verdict} although the command was ${before.state}`)
  } else if ((verdict === 'not_found') !== (before === null)) {
    found.add(at, id, `${verb} was answered ${verdict} for a command that was ${before?.state ?? 'absent'}`)
  }
}

function claim(event: Claimed, fates: Fates, found: Findings): void {
  for (const { id } of event.commands) {
    if (fates.cancelled.has(id))
      found.add(event.at, id, 'was claimed to run after its cancel was answered ok')
    if (fates.finished.has(id)) found.add(event.at, id, 'was claimed to run after it had succeeded')
  }
}

function write(event: LeaseWritten, fates: Fates, found: Findings): void {
  const succeeded = event.updates.filter(({ state }) => state === 'succeeded').map(({ id }) => id)
  for (const id of [...event.finished, ...succeeded]) {
    fates.finished.add(id)
    if (fates.cancelled.has(id)) found.add(event.at, id, 'was completed after its cancel was answered ok')
  }
}

function see(at: number, command: Snapshot, fates: Fates, found: Findings): void {
  if (fates.cancelled.has(command.id) && command.state !== 'cancelled') {
    found.add(at, command.id, `shows as ${command.state} after its cancel was answered ok`)
  }
}
