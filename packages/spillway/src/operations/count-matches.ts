// What an operation would be about, counted without touching anything: for a dry run.

import { FROM_THE_START, type ListCommands, matchesAt, type Place } from './matches.js'
import { OPERATION_COUNT_MAX } from './operation-filter.js'
import type { OperationScope } from './operation-scope.js'

/** Pages that a count reads at most: a filter may match little of much. */
const PAGES_MAX = 100

export interface CountedMatches {
  readonly matches: number
  /** There are, or may be, more than were counted. */
  readonly more: boolean
}

export async function countMatches(list: ListCommands, scope: OperationScope): Promise<CountedMatches> {
  let matches = 0
  let place: Place | null = FROM_THE_START
  for (let pages = 0; place !== null && pages < PAGES_MAX; pages += 1) {
    const page = await matchesAt(list, scope, place)
    matches += page.items.length
    place = page.next
    if (matches > OPERATION_COUNT_MAX) return { matches: OPERATION_COUNT_MAX, more: true }
  }
  return { matches, more: place !== null }
}
