// The bulk upsert behind `into()`: rows of a batch become rows of the application's own table, inside the settlement's
// transaction. One array per column is fastest up to some ten thousand rows (one statement, one round trip); beyond, COPY
// into a staging table is.

import { hash } from 'node:crypto'
import type { ClientBase } from 'pg'
import type { BulkWrite } from '../../ports/index.js'
import { bulkError, tableError } from './bulk-errors.js'
import { type BulkStatements, bulkStatements, columnOf } from './bulk-statements.js'
import { arrayText, columnText } from './column-text.js'
import { type Copier, loadCopier } from './copy-rows.js'
import { sqlState } from './errors.js'
import { newRepeats, type Repeats } from './repeats.js'
import type { Statement } from './statements.js'
import { readTargetTable, type TargetColumn } from './target-table.js'
import { together } from './together.js'

type TakeUnsent = () => string | null

export interface BulkWriter {
  /**
   * On a connection in its transaction, which is aborted when it rejects. Errors carry a `fault`: `data` when a row is at
   * fault, `schema` when the table is, `transient` when the database is. `takeUnsent` says what has
   * to be sent before the first statement; it travels with the rows where they mostly are new.
   */
  write(client: ClientBase, bulk: BulkWrite, takeUnsent?: TakeUnsent): Promise<void>
  /** The same rows as one statement, for whoever sends it along with others; null when there are too many for that. */
  insertOf(client: ClientBase, bulk: BulkWrite): Promise<RowInsert | null>
}

export interface RowInsert {
  readonly sql: string
  /** $1 and following. */
  readonly values: readonly string[]
  /** Whether it fails when there is such a row. */
  readonly isNew: boolean
  /** To be told what became of it: `repeat` = there was such a row. */
  met(repeat: boolean): void
  /** What it failed with, as `write` says it; to be asked, so that the next one looks at the table again if need be. */
  errorOf(error: unknown): unknown
}

export interface BulkWriterOptions {
  readonly prepare: boolean
  readonly queryTimeoutMs: number
  /** The driver's error in the store's words. */
  readonly errorOf: (error: unknown) => unknown
  /** From this many rows on they are copied. */
  readonly copyRowsMin?: number
}

interface Sending extends BulkWriterOptions {
  readonly takeUnsent: TakeUnsent
}

/** From here on COPY is faster by a third and more; below, the staging table costs more than it saves. */
const COPY_ROWS_MIN = 10_000
/** Rows of one statement where they cannot be copied. */
const INSERT_ROWS_MAX = 10_000
const UNIQUE_VIOLATION = '23505'
/** SQLSTATEs of constraints that a row breaks. */
const INTEGRITY_CLASS = '23'
/** Shapes of writes that are remembered; the oldest makes way. */
const SHAPES_MAX = 64

interface Shape extends BulkStatements {
  /** Of the prepared insert. */
  readonly name: string
  readonly repeats: Repeats
  /** Whether temporary tables may be made here. */
  readonly mayStage: boolean
}

export function newBulkWriter(options: BulkWriterOptions): BulkWriter {
  const { copyRowsMin = COPY_ROWS_MIN, errorOf } = options
  const shapes = new Map<string, Shape>()
  const nameOf = ({ table, columns, key, onConflict }: BulkWrite): string =>
    JSON.stringify([table, columns, key, onConflict])

  async function shapeOf(client: ClientBase, bulk: BulkWrite, name: string): Promise<Shape> {
    const known = shapes.get(name)
    if (known !== undefined) return known
    const shape = await readShape(client, bulk)
    if (shapes.size >= SHAPES_MAX) shapes.delete(shapes.keys().next().value as string)
    shapes.set(name, shape)
    return shape
  }

  function failed(error: unknown, bulk: BulkWrite, remembered: boolean): unknown {
    // The table may have changed; the next write looks again. A broken constraint says nothing of that.
    if (sqlState(error)?.startsWith(INTEGRITY_CLASS) !== true) shapes.delete(nameOf(bulk))
    return bulkError(error, bulk, remembered, errorOf)
  }

  return {
    async write(client, bulk, takeUnsent = () => null) {
      if (bulk.rows.length === 0) return
      const sending = { ...options, takeUnsent }
      const name = nameOf(bulk)
      const remembered = shapes.has(name)
      try {
        if (!remembered) await sendUnsent(client, sending)
        const shape = await shapeOf(client, bulk, name)
        const copier = bulk.rows.length >= copyRowsMin && shape.mayStage ? await loadCopier() : null
        if (copier === null) await insert(client, shape, bulk.rows, sending)
        else await copy(client, shape, bulk.rows, copier, sending)
      } catch (error) {
        throw failed(error, bulk, remembered)
      }
    },
    async insertOf(client, bulk) {
      const { rows } = bulk
      if (rows.length === 0 || rows.length > INSERT_ROWS_MAX) return null
      const name = nameOf(bulk)
      const remembered = shapes.has(name)
      const shape = await shapeOf(client, bulk, name)
      const { insert, insertNew, repeats } = shape
      const isNew = insertNew !== null && repeats.areRare
      return {
        sql: isNew ? insertNew : insert,
        values: valuesOf(shape, rows),
        isNew,
        met: (repeat) => repeats.met(isNew && repeat),
        errorOf: (error) => failed(error, bulk, remembered),
      }
    },
  }
}

async function readShape(client: ClientBase, { table, columns, key, onConflict }: BulkWrite): Promise<Shape> {
  const target = await readTargetTable(client, table)
  if (target === null) throw tableError(`There is no table ${table}. Create it in the store's database.`)
  const found = (name: string): TargetColumn => {
    const column = columnOf(target, name)
    if (column !== null) return column
    throw tableError(`Table ${table} has no column ${name}. Add it, or map the payload.`)
  }
  const statements = bulkStatements(target, columns.map(found), key.map(found), onConflict)
  const name = `spillway_${hash('sha256', statements.insert, 'hex').slice(0, 24)}`
  return { ...statements, name, repeats: newRepeats(), mayStage: target.mayStage }
}

/** Straight from arrays: one statement per slice. */
async function insert(
  client: ClientBase,
  shape: Shape,
  rows: BulkWrite['rows'],
  sending: Sending,
): Promise<void> {
  for (let from = 0; from < rows.length; from += INSERT_ROWS_MAX) {
    const slice = rows.slice(from, from + INSERT_ROWS_MAX)
    await insertSlice(client, shape, valuesOf(shape, slice), sending)
  }
}

function valuesOf({ columns }: Shape, rows: BulkWrite['rows']): string[] {
  return columns.map((column, place) => arrayText(rows.map((row) => columnText(row[place], column))))
}

function insertStatement(
  { insertNew, name }: Shape,
  sql: string,
  values: string[],
  { prepare, queryTimeoutMs }: BulkWriterOptions,
): Statement {
  const statement = { ...withDeadline(sql, queryTimeoutMs), values }
  return prepare ? { ...statement, name: sql === insertNew ? `${name}_new` : name } : statement
}

async function insertSlice(
  client: ClientBase,
  shape: Shape,
  values: readonly string[],
  sending: Sending,
): Promise<void> {
  const { insert: text, insertNew, repeats } = shape
  const statement = (sql: string) => insertStatement(shape, sql, [...values], sending)
  if (insertNew !== null && repeats.areRare) {
    const isDone = await insertedAsNew(client, statement(insertNew), sending)
    repeats.met(!isDone)
    if (isDone) return
  } else repeats.met(false)
  await sendUnsent(client, sending)
  await client.query(statement(text))
}

/** False, with nothing changed, when a row was not new. */
async function insertedAsNew(
  client: ClientBase,
  insertNew: Statement,
  { takeUnsent, queryTimeoutMs }: Sending,
): Promise<boolean> {
  const run = (sql: string) => withDeadline(sql, queryTimeoutMs)
  const unsent = takeUnsent()
  const savepoint = `${unsent === null ? '' : `${unsent}; `}savepoint spillway_new`
  try {
    await together(client, [run(savepoint), insertNew, run('release spillway_new')])
    return true
  } catch (error) {
    if (sqlState(error) !== UNIQUE_VIOLATION) throw error
    await client.query(run('rollback to spillway_new; release spillway_new'))
    return false
  }
}

async function copy(
  client: ClientBase,
  { createStage, copy: text, columns, insertStaged, dropStage }: Shape,
  rows: BulkWrite['rows'],
  copier: Copier,
  sending: Sending,
): Promise<void> {
  const { queryTimeoutMs } = sending
  const run = (statement: string): Promise<unknown> => client.query(withDeadline(statement, queryTimeoutMs))
  await sendUnsent(client, sending)
  await run(createStage)
  await copier(client, withDeadline(text, queryTimeoutMs), columns, rows)
  await run(insertStaged)
  await run(dropStage)
}

async function sendUnsent(client: ClientBase, { takeUnsent, queryTimeoutMs }: Sending): Promise<void> {
  const unsent = takeUnsent()
  if (unsent !== null) await client.query(withDeadline(unsent, queryTimeoutMs))
}

/** The driver takes a deadline per query. */
function withDeadline(
  text: string,
  queryTimeoutMs: number,
): { readonly text: string; readonly query_timeout: number } {
  return { text, query_timeout: queryTimeoutMs }
}
