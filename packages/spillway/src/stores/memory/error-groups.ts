// Commands that failed alike, counted over everything stored: the memory store keeps no statistics.

import { commandId, type ErrorRecord } from '../../domain/index.js'
import type { ErrorGroup, GroupRequest } from '../../ports/index.js'
import { standsBefore } from './ordering.js'
import type { RowRecord } from './records.js'
import type { MemoryState } from './state.js'

interface Tally {
  count: number
  firstAt: number
  newest: RowRecord
}

/** The largest first. */
export function groupErrors(state: MemoryState, request: GroupRequest): ErrorGroup[] {
  const tallies = new Map<string, Tally>()
  for (const row of failedRows(state, request)) {
    const name = JSON.stringify([row.fingerprint, row.origin.type, row.origin.queue])
    const endedAt = row.finishedAt ?? 0
    const tally = tallies.get(name)
    if (tally === undefined) {
      tallies.set(name, { count: 1, firstAt: endedAt, newest: row })
      continue
    }
    tally.count += 1
    tally.firstAt = Math.min(tally.firstAt, endedAt)
    if (endedAfter(row, tally.newest)) tally.newest = row
  }
  return [...tallies.values()]
    .sort((a, b) => b.count - a.count)
    .slice(0, request.limit)
    .map(toGroup)
}

function* failedRows(state: MemoryState, { state: place, type, queue }: GroupRequest): Generator<RowRecord> {
  for (const chunk of state.chunks.values()) {
    if (type !== undefined && chunk.type !== type) continue
    if (queue !== undefined && chunk.queue !== queue) continue
    for (const row of chunk.rows?.values() ?? []) {
      if (row.place === place && row.fingerprint !== null) yield row
    }
  }
}

function endedAfter(row: RowRecord, other: RowRecord): boolean {
  const ahead = (row.finishedAt ?? 0) - (other.finishedAt ?? 0)
  return ahead === 0 ? standsBefore(other, row) : ahead > 0
}

const UNNAMED: ErrorRecord = Object.freeze({ code: 'unknown', message: '' })

function toGroup({ count, firstAt, newest }: Tally): ErrorGroup {
  const { origin, index, fingerprint, finishedAt, error } = newest
  return {
    fingerprint: fingerprint ?? '',
    type: origin.type,
    queue: origin.queue,
    count,
    firstAt,
    lastAt: finishedAt ?? firstAt,
    sampleId: commandId(origin.id, index),
    error: error ?? UNNAMED,
  }
}
