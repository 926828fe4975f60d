// What every listing asks of its caller.

import { PAGE_ROWS_MAX, parseCommandId } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'

export function checkPageLimit(limit: unknown): void {
  if (Number.isSafeInteger(limit) && Number(limit) >= 1 && Number(limit) <= PAGE_ROWS_MAX) return
  throw new SpillwayError('invalid_argument', `limit must be a whole number from 1 to ${PAGE_ROWS_MAX}.`)
}

/** Of a listing of commands. */
export function checkCommandPage({
  limit,
  after,
}: {
  readonly limit: number
  readonly after?: string
}): void {
  checkPageLimit(limit)
  if (after !== undefined && parseCommandId(after) === null)
    throw new SpillwayError('invalid_argument', 'after must be the next of an earlier page.')
}
