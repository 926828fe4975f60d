// I17: any number of maintainers behave as one. A parked command is moved into exactly one fresh chunk, only while it is
// parked, and from then on lives in that chunk alone until it is parked again.

import { type CommandState, parseCommandId } from '../../domain/index.js'
import { type Facts, parkings } from './facts.js'
import type { Claimed, HistoryEvent, Promoted } from './history.js'
import { type Findings, findings, type Violation } from './violation.js'

const WAITING: readonly CommandState[] = ['scheduled', 'retrying', 'blocked']

export function guardedMaintenance(facts: Facts): readonly Violation[] {
  const found = findings('I17')
  const homes = new Map<string, string | null>()
  for (const event of facts.history.events) {
    if (event.kind === 'claimed') claim(event, homes, found)
    else if (event.kind === 'promoted') promote(event, found)
    else park(event, homes, facts)
  }
  return found.list
}

/** A parked command has no chunk: the next one it is claimed in is its home. */
function park(event: HistoryEvent, homes: Map<string, string | null>, facts: Facts): void {
  if (event.kind === 'appended') {
    for (const { id, dueAt } of event.commands) {
      if (!homes.has(id)) homes.set(id, dueAt === null ? event.chunkId : null)
    }
  } else if (event.kind === 'written' && event.verdict === 'ok') {
    for (const { id } of parkings(facts, event)) homes.set(id, null)
  } else if (event.kind === 'completed' && event.verdict === 'ok' && event.id !== null) {
    homes.set(event.id, null)
  } else if (event.kind === 'controlled' && event.verb === 'redrive' && event.verdict === 'ok') {
    homes.set(event.id, null)
  }
}

function claim(event: Claimed, homes: Map<string, string | null>, found: Findings): void {
  for (const { id } of event.commands) {
    const home = homes.get(id)
    if (home === undefined) homes.set(id, event.chunkId)
    else if (home === null) settleIn(event, id, homes, found)
    else if (home !== event.chunkId) {
      found.add(event.at, id, `was claimed in chunk ${event.chunkId} while it lives in ${home}`)
    }
  }
}

function settleIn(event: Claimed, id: string, homes: Map<string, string | null>, found: Findings): void {
  homes.set(id, event.chunkId)
  if (event.chunkId !== parseCommandId(id)?.chunkId) return
  found.add(event.at, id, 'was claimed in its first chunk although it is parked')
}

function promote(event: Promoted, found: Findings): void {
  const moved = event.changes.filter(({ before, after }) => before !== null && after?.state === 'accepted')
  const { count, unseen = 0 } = event
  if (moved.length > count || moved.length + unseen < count) {
    found.add(event.at, event.worker, `promoted ${event.count} commands, but ${moved.length} moved`)
  }
  for (const { id, before } of event.changes) {
    if (before !== null && WAITING.includes(before.state)) continue
    found.add(event.at, id, `was promoted while ${before?.state ?? 'absent'}`)
  }
}
