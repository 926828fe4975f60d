// A run whose table is not what it must be has no figures.

import type { TableContent } from './control.js'
import type { Progress } from './side-actions.js'
import { positionSum } from './watch-events.js'

/** A run that counts for nothing, and why. */
export class VoidRun extends Error {
  override readonly name = 'VoidRun'
}

/** Throws unless the table holds exactly the events from 0 to `events`, each written once. */
export function verify({ rows, positionSum: sum }: TableContent, events: number, written: Progress): void {
  if (rows !== events) throw new VoidRun(`${rows} of ${events} rows are in the table`)
  if (sum !== positionSum(0, events)) throw new VoidRun('the table holds other rows than were submitted')
  verifyWritten(rows, written)
}

/** Throws unless the rows in the table are as many as the handlers wrote, each once. */
export function verifyWritten(rows: number, written: Progress): void {
  if (written.repeats > 0) throw new VoidRun(`${written.repeats} rows were written twice`)
  if (rows !== written.rows)
    throw new VoidRun(`${rows} rows are in the table, ${written.rows} were written by handlers`)
}
