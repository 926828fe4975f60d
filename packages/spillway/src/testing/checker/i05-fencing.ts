// I5: tokens strictly increase from claim to claim of a chunk, and a write with any other token than the last one, or
// after the chunk was completed or given back, is stale and changes nothing.

import type { Facts } from './facts.js'
import type { LeaseWritten } from './history.js'
import { LeaseTable } from './lease-table.js'
import { type Findings, findings, type Violation } from './violation.js'

export function fencing(facts: Facts): readonly Violation[] {
  const found = findings('I5')
  const leases = new LeaseTable()
  for (const event of facts.history.events) {
    if (event.kind === 'claimed') {
      const last = leases.of(event.chunkId)
      if (last !== undefined && event.token <= last.token) {
        found.add(event.at, event.chunkId, `was claimed with token ${event.token} after token ${last.token}`)
      }
      leases.claim(event)
    } else if (event.kind === 'written') {
      checkWrite(event, leases, found)
      leases.write(event)
    }
  }
  return found.list
}

function checkWrite(event: LeaseWritten, leases: LeaseTable, found: Findings): void {
  const { at, verb, chunkId, token } = event
  const held = leases.of(chunkId)
  const current = held?.open === true && held.token === token
  if (event.verdict === 'ok' && !current) {
    const truth =
      held === undefined ? 'nobody holds it' : `token ${held.token} is ${held.open ? 'held' : 'done with'}`
    found.add(at, chunkId, `${verb} with token ${token} was answered ok, but ${truth}`)
  }
  if (event.verdict === 'stale' && current && leases.live(chunkId, at)) {
    found.add(at, chunkId, `${verb} with token ${token} was answered stale, but its lease is live`)
  }
  if (event.verdict === 'stale' && event.changes.length > 0) {
    const ids = event.changes.map(({ id }) => id).join(', ')
    found.add(at, chunkId, `${verb} with token ${token} was stale and yet changed ${ids}`)
  }
}
