// The bulk upsert behind `into()`: rows of a batch become rows of the application's own table, inside the settlement's
// transaction.

import type { BulkWrite } from '../../ports/index.js'
import { bulkError, tableError } from './bulk-errors.js'
import { type BulkShape, bulkStatements, conflictTail, insertHead } from './bulk-statements.js'
import type { Connection } from './connection.js'
import { select } from './select.js'
import type { ColumnKind } from './sql-literal.js'
import { hasUniqueKey, readTargetTable, type TargetTable } from './target-table.js'

/** Errors carry a `fault`: `data` when a row is at fault, `schema` when the table is, `transient` when the database is. */
export interface BulkWriter {
  /** On a connection in its transaction. */
  write(connection: Connection, bulk: BulkWrite): Promise<void>
  /** The same as statements, for whoever sends them along with others; each begins with `prefix`. */
  statementsOf(connection: Connection, bulk: BulkWrite, prefix: string): Promise<string[]>
  /** What to reject with when one of them failed. */
  refusal(error: unknown, bulk: BulkWrite): Error
}

/** Shapes of writes that are remembered; the oldest makes way. */
const SHAPES_MAX = 64

/** `place` names the database in errors. */
export function newBulkWriter(place: string): BulkWriter {
  const shapes = new Map<string, BulkShape>()

  async function shapeOf(connection: Connection, bulk: BulkWrite): Promise<BulkShape> {
    const name = nameOf(bulk)
    const known = shapes.get(name)
    if (known !== undefined) return known
    const shape = await readShape(connection, bulk)
    if (shapes.size >= SHAPES_MAX) shapes.delete(shapes.keys().next().value as string)
    shapes.set(name, shape)
    return shape
  }

  function refusal(error: unknown, bulk: BulkWrite): Error {
    const refused = bulkError(error, bulk, place)
    // What was remembered of the table may be wrong by now.
    if (refused.fault === 'schema') shapes.delete(nameOf(bulk))
    return refused
  }

  return {
    refusal,
    async write(connection, bulk) {
      if (bulk.rows.length === 0) return
      try {
        const shape = await shapeOf(connection, bulk)
        for (const statement of bulkStatements(shape, bulk)) await connection.send([statement])
      } catch (error) {
        throw refusal(error, bulk)
      }
    },
    async statementsOf(connection, bulk, prefix) {
      try {
        const shape = await shapeOf(connection, bulk)
        return [...bulkStatements({ ...shape, head: prefix + shape.head }, bulk)]
      } catch (error) {
        throw refusal(error, bulk)
      }
    },
  }
}

function nameOf({ table, columns, key, onConflict }: BulkWrite): string {
  return JSON.stringify([table, columns, key, onConflict])
}

async function readShape(connection: Connection, bulk: BulkWrite): Promise<BulkShape> {
  const table = await readTargetTable(connection, bulk.table)
  const columns = columnsOf(table, bulk)
  checkTable(table, bulk)
  const [settings] = await select<{ bytes: number }>(
    connection,
    'select @@session.max_allowed_packet as bytes',
  )
  const packetBytesMax = Number(settings?.bytes)
  return { columns, packetBytesMax, head: insertHead(bulk), tail: conflictTail(bulk) }
}

function columnsOf({ columns }: TargetTable, bulk: BulkWrite): ColumnKind[] {
  return bulk.columns.map((name) => {
    const column = columns.get(name.toLowerCase())
    if (column !== undefined) return column
    throw tableError(`Table ${bulk.table} has no column ${name}. Add it, or map the payload.`)
  })
}

function checkTable(table: TargetTable, bulk: BulkWrite): void {
  const { engineWithoutTransactions: engine } = table
  if (engine !== null) {
    throw tableError(
      `Table ${bulk.table} is stored by ${engine}, which has no transactions: its rows would stay when the settlement is undone. Run \`alter table ${bulk.table} engine = InnoDB\`.`,
    )
  }
  if (bulk.key.length > 0 && !hasUniqueKey(table, bulk.key)) {
    throw tableError(
      `Table ${bulk.table} needs a unique index on (${bulk.key.join(', ')}): without it every replay would add its rows once more.`,
    )
  }
}
