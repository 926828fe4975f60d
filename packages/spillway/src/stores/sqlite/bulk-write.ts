// The bulk upsert behind `into()`: rows of a batch become rows of the application's own table, inside the settlement's
// transaction.

import { SpillwayError } from '../../errors/index.js'
import type { BulkWrite } from '../../ports/index.js'
import type { SqliteTx, SqliteValue } from './client.js'
import { classifySqliteError, faulty, messageOf, storeError } from './errors.js'
import { type MultiRow, multiRow } from './multi-row.js'
import { sqliteValue } from './sqlite-value.js'

export interface BulkWriter {
  /** Errors carry a `fault`: `data` when a row is at fault, `schema` when the table is, `transient` when the database is. */
  write(bulk: BulkWrite): void
}

/** Prepared writes that are kept; the oldest makes way. */
const SHAPES_MAX = 64

interface Shape {
  readonly insert: MultiRow
  /** Per column: whether a whole number must be bound as an integer, because the column would keep it as a float. */
  readonly exact: readonly boolean[]
}

interface Column {
  readonly name: string
  readonly type: string
}

export function prepareBulkWriter(db: SqliteTx, path: string): BulkWriter {
  const columnsOf = db.prepare('select lower(name) as name, upper(type) as type from pragma_table_xinfo(?1)')
  const shapes = new Map<string, Shape>()

  function shapeOf(bulk: BulkWrite): Shape {
    const name = JSON.stringify([bulk.table, bulk.columns, bulk.key, bulk.onConflict])
    const known = shapes.get(name)
    if (known !== undefined) return known
    const shape: Shape = {
      exact: exactColumns(bulk, columnsOf.all(bulk.table) as Column[]),
      insert: multiRow(db, bulk.columns.length, (rows) => upsertSql(bulk, rows)),
    }
    if (shapes.size >= SHAPES_MAX) shapes.delete(shapes.keys().next().value as string)
    shapes.set(name, shape)
    return shape
  }

  return {
    write(bulk) {
      if (bulk.rows.length === 0) return
      try {
        const { insert, exact } = shapeOf(bulk)
        insert.run(valuesOf(bulk, exact))
      } catch (error) {
        throw bulkError(error, bulk, path)
      }
    },
  }
}

function upsertSql({ table, columns, key, onConflict }: BulkWrite, rows: string): string {
  const insert = `insert into ${quoted(table)} (${columns.map(quoted).join(', ')}) values ${rows}`
  if (key.length === 0) return insert
  const others = columns.filter((column) => !key.includes(column))
  const target = `on conflict (${key.map(quoted).join(', ')})`
  if (onConflict === 'ignore' || others.length === 0) return `${insert} ${target} do nothing`
  const assignments = others.map((column) => `${quoted(column)} = excluded.${quoted(column)}`)
  return `${insert} ${target} do update set ${assignments.join(', ')}`
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** Throws when the table or one of its columns does not exist. */
function exactColumns({ table, columns }: BulkWrite, known: readonly Column[]): boolean[] {
  if (known.length === 0) throw tableError(`There is no table ${table}. Create it in the store's database.`)
  const types = new Map(known.map(({ name, type }) => [name, type]))
  return columns.map((column) => {
    const type = types.get(column.toLowerCase())
    if (type === undefined)
      throw tableError(`Table ${table} has no column ${column}. Add it, or map the payload.`)
    return keepsFloats(type)
  })
}

/** Columns of text or of no type: `5` bound as a float would become '5.0' there. https://sqlite.org/datatype3.html#determination_of_column_affinity */
function keepsFloats(type: string): boolean {
  if (type.includes('INT')) return false
  return type === '' || type === 'ANY' || /CHAR|CLOB|TEXT|BLOB/.test(type)
}

function valuesOf({ rows, columns }: BulkWrite, exact: readonly boolean[]): SqliteValue[] {
  const width = columns.length
  const values = new Array<SqliteValue>(rows.length * width)
  let at = 0
  for (const row of rows) {
    for (let place = 0; place < width; place += 1) {
      values[at] = sqliteValue(row[place], exact[place] as boolean, columns[place] as string)
      at += 1
    }
  }
  return values
}

function tableError(message: string, cause?: unknown): SpillwayError {
  return faulty(new SpillwayError('invalid_argument', message, { cause }), 'schema')
}

function bulkError(error: unknown, { table, key }: BulkWrite, path: string): unknown {
  if (typeof error === 'object' && error !== null && 'fault' in error) return error
  const fault = classifySqliteError(error)
  if (fault === 'data') return faulty(error, fault)
  if (fault === 'transient') return faulty(storeError(error, path), fault)
  return tableError(
    `Table ${table} cannot take this write: ${messageOf(error)}. It needs every column written and a unique index on (${key.join(', ')}).`,
    error,
  )
}
