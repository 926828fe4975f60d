// The application's table that a bulk write goes to: its columns, the unique indexes that can find a row by its key, and
// whether its engine takes part in transactions at all.

import type { Connection } from './connection.js'
import type { RunResult } from './enlist/index.js'
import { qualifiedName, tableParts } from './identifiers.js'
import { rowsOf } from './select.js'
import type { ColumnKind } from './sql-literal.js'
import { text } from './sql-text.js'

export interface TargetTable {
  /** By name in lower case: column names have no case here. */
  readonly columns: ReadonlyMap<string, ColumnKind>
  /** Columns in lower case of each unique index on whole columns. */
  readonly uniqueKeys: readonly (readonly string[])[]
  /** The storage engine, when it has no transactions; else null. */
  readonly engineWithoutTransactions: string | null
}

interface ColumnRow {
  readonly Field: string
  readonly Type: string
}

interface IndexRow {
  readonly Non_unique: number
  readonly Key_name: string
  /** Null for an expression. */
  readonly Column_name: string | null
  /** Characters of a prefix; null for the whole column. */
  readonly Sub_part: number | null
}

/** Rejects with the database's own error when there is no such table. */
export async function readTargetTable(db: Connection, name: string): Promise<TargetTable> {
  const [columns, indexes, engines] = (await db.send([
    `show columns from ${qualifiedName(name)}`,
    `show index from ${qualifiedName(name)}`,
    engineSql(name),
  ])) as [RunResult, RunResult, RunResult]
  const [engine] = rowsOf<{ name: string }>(engines)
  return {
    columns: new Map(rowsOf<ColumnRow>(columns).map((row) => [row.Field.toLowerCase(), columnKind(row)])),
    uniqueKeys: uniqueKeys(rowsOf(indexes)),
    engineWithoutTransactions: engine?.name ?? null,
  }
}

/** SHOW does not tell. A temporary table is not found here. */
function engineSql(name: string): string {
  const { database, table } = tableParts(name)
  return `
select engines.engine as name from information_schema.tables tables
join information_schema.engines engines on engines.engine = tables.engine
where tables.table_schema = ${database === null ? 'database()' : text(database)}
  and tables.table_name = ${text(table)} and engines.transactions <> 'YES'`
}

export function hasUniqueKey({ uniqueKeys }: TargetTable, columns: readonly string[]): boolean {
  const wanted = new Set(columns.map((column) => column.toLowerCase()))
  return uniqueKeys.some((key) => key.length === wanted.size && key.every((column) => wanted.has(column)))
}

function columnKind({ Field: name, Type: type }: ColumnRow): ColumnKind {
  if (/^(date|datetime|timestamp)\b/i.test(type)) return { name, kind: 'time' }
  return { name, kind: type.toLowerCase() === 'json' ? 'json' : 'other' }
}

function uniqueKeys(rows: readonly IndexRow[]): string[][] {
  const keys = new Map<string, string[] | null>()
  for (const { Key_name, Non_unique, Column_name, Sub_part } of rows) {
    const columns = keys.get(Key_name)
    if (Number(Non_unique) === 1 || Column_name === null || Sub_part !== null || columns === null) {
      keys.set(Key_name, null)
    } else if (columns === undefined) keys.set(Key_name, [Column_name.toLowerCase()])
    else columns.push(Column_name.toLowerCase())
  }
  return [...keys.values()].filter((columns) => columns !== null)
}
