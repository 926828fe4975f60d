// Statements over many rows at once: `values (...), (...)` with 32 rows costs about half of 32 statements. What is left over
// is written in powers of two, so that a handful of prepared statements serves every number of rows.

import type { SqliteStatement, SqliteTx, SqliteValue } from './client.js'

/** More rows gain nothing. */
const ROWS_PER_STATEMENT = 32
/** SQLite's default bound of parameters per statement. */
const PARAMETERS_MAX = 32_766

export interface MultiRow {
  /** `values` holds the rows one after another; `trailing` are the parameters behind them. */
  run(values: readonly SqliteValue[], trailing?: readonly SqliteValue[]): void
}

/** `width` is the number of values of a row, `sql` the statement around the rows. */
export function multiRow(db: SqliteTx, width: number, sql: (rows: string) => string): MultiRow {
  // Not `?1, ?2, ...`: SQLite looks numbered parameters up one by one, which makes wide statements quadratic.
  const row = `(${Array.from({ length: width }, () => '?').join(', ')})`
  const prepared = new Map<number, SqliteStatement>()

  function statementFor(rows: number): SqliteStatement {
    let statement = prepared.get(rows)
    if (statement === undefined) {
      statement = db.prepare(sql(Array.from({ length: rows }, () => row).join(', ')))
      prepared.set(rows, statement)
    }
    return statement
  }

  return {
    run(values, trailing = []) {
      const total = values.length / width
      let batch = largestBatch(width)
      for (let first = 0; first < total; first += batch) {
        while (batch > total - first) batch /= 2
        const parameters = values.slice(first * width, (first + batch) * width)
        statementFor(batch).run(...parameters, ...trailing)
      }
    },
  }
}

function largestBatch(width: number): number {
  let rows = ROWS_PER_STATEMENT
  while (rows > 1 && (rows + 1) * width > PARAMETERS_MAX) rows /= 2
  return rows
}
