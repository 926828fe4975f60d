// Statements that are sent at once cannot wait for each other's answers. This one looks at what came before it and fails when that
// is not as expected, so that nothing behind it is executed, the commit least of all.

/** Fails with a duplicate entry when `source` (`from ... where ...`) has a row. */
export function stopIf(source: string): string {
  return `insert into spillway_stops (id) select 1 ${source} limit 1`
}

/** Fails unless the statement before changed that many rows. */
export function stopUnlessChanged(rows: number): string {
  return stopIf(`from dual where row_count() <> ${rows}`)
}

/**
 * A number for an assignment of `on duplicate key update`: fails unless `condition` holds of the row that was found. The sum leaves the range
 * of its type, and that error (1690) cannot be relaxed by any `sql_mode`. Rows that are new never evaluate it.
 */
export function mustHold(condition: string): string {
  return `18446744073709551615 + if(${condition}, 0, 1)`
}

/** Thrown to undo a transaction whose statements were stopped. */
export class Stopped extends Error {
  constructor() {
    super('stopped before the commit')
  }
}
