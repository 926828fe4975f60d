// Places in the order of ordered queues as one number: the commit order of the chunk a command was submitted in, then its index. One
// number, so that the first place of a key is the minimum of a column.

import type { Place } from '../../domain/index.js'

/** More than a chunk has indexes. Places stay exact numbers up to a hundred thousand million chunks. */
const PLACES_PER_CHUNK = 65_536

export function placeNumber(seq: number, index: number): number {
  return seq * PLACES_PER_CHUNK + index
}

/** SQL of a place; `seq` is SQL. */
export function placeSql(seq: string, index: number): string {
  return `${seq} * ${PLACES_PER_CHUNK} + ${index}`
}

export function placeOf(place: number): Place {
  return [Math.floor(place / PLACES_PER_CHUNK), place % PLACES_PER_CHUNK]
}
