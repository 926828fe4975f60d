// I1: every acknowledged command of a durable channel is in the store until its retention ends. The store must have it
// before the client is told, nobody may miss it later, and only what finished long enough ago may be removed.

import type { Facts } from './facts.js'
import type { Answered, Appended, Pruned, Snapshot } from './history.js'
import { type Findings, findings, type Violation } from './violation.js'

interface Custody {
  readonly stored: Set<string>
  readonly acknowledged: Set<string>
  readonly pruned: Set<string>
}

export function acknowledgedStays(facts: Facts): readonly Violation[] {
  const found = findings('I1')
  const custody: Custody = { stored: new Set(), acknowledged: new Set(), pruned: new Set() }
  for (const event of facts.history.events) {
    if (event.kind === 'appended') take(event, custody)
    else if (event.kind === 'answered') acknowledge(event, facts, custody, found)
    else if (event.kind === 'pruned') prune(event, custody, found)
    else if (event.kind === 'observed' && event.snapshot === null) {
      if (custody.acknowledged.has(event.id) && !custody.pruned.has(event.id)) {
        found.add(event.at, event.id, 'was acknowledged, and a reader was told that there is no such command')
      }
    }
  }
  const final = new Set(facts.history.final.commands.map(({ id }) => id))
  for (const id of custody.acknowledged) {
    if (final.has(id) || custody.pruned.has(id)) continue
    found.add(facts.history.final.at, id, 'was acknowledged and is not in the store at the end')
  }
  return found.list
}

function take(event: Appended, custody: Custody): void {
  for (const command of event.commands) {
    if (command.verdict === 'accepted') custody.stored.add(command.id)
  }
}

function acknowledge(event: Answered, facts: Facts, custody: Custody, found: Findings): void {
  if (event.id === null || (event.answer !== 'accepted' && event.answer !== 'duplicate')) return
  custody.acknowledged.add(event.id)
  if (facts.storeRecorded && !custody.stored.has(event.id)) {
    found.add(event.at, event.id, `was acknowledged (${event.answer}) before the store had it`)
  }
}

function prune(event: Pruned, custody: Custody, found: Findings): void {
  for (const { id, before, after } of event.changes) {
    if (after !== null) continue
    if (before !== null && !outlived(before, event)) {
      found.add(event.at, id, `was pruned while ${before.state}, finished at ${before.finishedAt}`)
    }
    custody.pruned.add(id)
  }
}

function outlived(command: Snapshot, { at, retentionMs, failedRetentionMs }: Pruned): boolean {
  if (command.finishedAt === null) return false
  return command.finishedAt + (command.state === 'succeeded' ? retentionMs : failedRetentionMs) <= at
}
