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

/** Thrown to undo a transaction whose statements were stopped. */
export class Stopped extends Error {
  constructor() {
    super('stopped before the commit')
  }
}
