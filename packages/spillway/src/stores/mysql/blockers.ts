// What holds up later commands of an ordering key: rows that are not over, found by an index in the order of their keys and places.
// Whoever claims a chunk of a partition is told the first of each key. Where very many wait behind one another they are read a window at a
// time, and what is left of a window's last key is skipped.

import type { Blocker } from '../../domain/index.js'
import type { Connection } from './connection.js'
import { PARKED_IN_ORDER } from './indexes.js'
import { inPartition, type PartitionRef } from './partitions.js'
import { placeOf } from './place.js'
import { select } from './select.js'
import { integer, text } from './sql-text.js'

/** Rows in these states hold up a blocked one behind them. `promoted`: a chunk carries them, in whatever stage. */
export const HOLDING_STATES = [
  'retrying',
  'reconciling',
  'pending',
  'compensating',
  'promoted',
  'dead',
] as const

/** A chunk that was claimed, and its partition. */
export interface OrderedChunk extends PartitionRef {
  readonly seq: number
}

export interface BlockerRow {
  /** Of the chunk that was claimed. */
  readonly seq: number
  readonly ordering_key: string
  readonly place: number
  /** Blocked rows of the key that were read; 0 for rows in another state. */
  readonly blocked: number
}

/** Blocked rows that one statement reads. */
const WINDOW_ROWS = 1_000

/** For each state the first of every key; of blocked rows those of the first window. */
export function blockersSql(chunk: OrderedChunk): string {
  const { seq, queue, partition } = chunk
  const firsts = HOLDING_STATES.map((state) => {
    const others = state === 'promoted' ? ` and carrier <> ${integer(seq)}` : ''
    return `
select ${integer(seq)} as seq, ordering_key, min(place) as place, 0 as blocked from ${PARKED_IN_ORDER}
where state = '${state}' and ${inPartition(queue, partition)} and ordering_key > ''${others} group by ordering_key`
  })
  return [...firsts, windowSql(chunk, '')].join(' union all')
}

function windowSql({ seq, queue, partition }: OrderedChunk, after: string): string {
  return `
select ${integer(seq)} as seq, ordering_key, min(place) as place, count(*) as blocked from (
  select ordering_key, place from ${PARKED_IN_ORDER}
  where state = 'blocked' and ${inPartition(queue, partition)} and ordering_key > ${text(after)}
  order by ordering_key, place limit ${WINDOW_ROWS}
) waiting group by ordering_key`
}

/** Of one chunk: the first of each key. `rows` are those of its first statement; further windows are read where that one was full. */
export async function firstOfEachKey(
  db: Pick<Connection, 'send'>,
  chunk: OrderedChunk,
  rows: readonly BlockerRow[],
): Promise<Blocker[]> {
  const places = new Map<string, number>()
  for (let window = rows; ; ) {
    for (const { ordering_key, place } of window) {
      places.set(ordering_key, Math.min(place, places.get(ordering_key) ?? place))
    }
    const last = lastOfFullWindow(window)
    if (last === null) break
    window = await select<BlockerRow>(db, windowSql(chunk, last))
  }
  return Array.from(places, ([orderingKey, place]) => ({ orderingKey, place: placeOf(place) }))
}

/** Null when there is nothing behind it. */
function lastOfFullWindow(window: readonly BlockerRow[]): string | null {
  const waiting = window.filter(({ blocked }) => blocked > 0)
  if (waiting.reduce((sum, { blocked }) => sum + blocked, 0) < WINDOW_ROWS) return null
  return waiting
    .map(({ ordering_key }) => ordering_key)
    .reduce((last, key) => (isBehind(key, last) ? key : last))
}

/** As the database compares them: by bytes. */
function isBehind(key: string, other: string): boolean {
  return Buffer.compare(Buffer.from(key), Buffer.from(other)) > 0
}
