// The ready bulk sink: payloads become rows of a table of the application, written in bulk and idempotent by key.
// Within a batch rows are made unique and sorted by key, because two rows of one key in one upsert are an error on
// PostgreSQL ("cannot affect row a second time"), and unsorted upserts of two workers deadlock.

import type { Sink } from '../config/index.js'
import { SpillwayError } from '../errors/index.js'
import type { BulkWrite } from '../ports/index.js'

export interface IntoOptions<Payload> {
  /** Columns that identify a row: the table's primary key or a unique index. */
  key: readonly string[]
  /** The row of a payload; default: the payload itself. */
  map?: (payload: Payload) => Readonly<Record<string, unknown>>
  /** Default: every property that a row of the batch has. */
  columns?: readonly string[]
  /** When a row of that key exists: overwrite its other columns (default), or leave it. */
  onConflict?: 'update' | 'ignore'
}

type Row = Readonly<Record<string, unknown>>

/** A handler that writes every payload of a batch as a row of `table`. Effects and settlement share a commit where the store can. */
export function into<Payload extends object>(table: string, options: IntoOptions<Payload>): Sink<Payload> {
  const { key, map, onConflict = 'update' } = options
  if (typeof table !== 'string' || table === '')
    throw new SpillwayError('invalid_config', 'into(): expected the name of a table')
  if (!Array.isArray(key) || key.length === 0) {
    throw new SpillwayError(
      'invalid_config',
      `into('${table}'): expected key to name at least one column, e.g. { key: ['id'] }`,
    )
  }
  return {
    kind: 'sink',
    table,
    onConflict,
    toBulkWrite(payloads) {
      const rows = (map === undefined ? payloads : payloads.map(map)) as readonly Row[]
      const unique = uniqueByKey(rows, key, onConflict, table)
      const columns = options.columns ?? columnsOf(unique.map(([, row]) => row))
      return bulkWrite(table, columns, key, onConflict, unique)
    },
  }
}

function bulkWrite(
  table: string,
  columns: readonly string[],
  key: readonly string[],
  onConflict: 'update' | 'ignore',
  unique: [KeyValue, Row][],
): BulkWrite {
  unique.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return {
    table,
    columns,
    key,
    onConflict,
    rows: unique.map(([, row]) => columns.map((column) => row[column])),
  }
}

type KeyValue = string | number

/** The last row of a key wins where it would overwrite the others, the first where it would be left alone. */
function uniqueByKey(
  rows: readonly Row[],
  key: readonly string[],
  onConflict: 'update' | 'ignore',
  table: string,
): [KeyValue, Row][] {
  const byKey = new Map<KeyValue, Row>()
  const [first = ''] = key
  for (const row of rows) {
    const value =
      key.length === 1
        ? keyPart(row, first, table)
        : JSON.stringify(key.map((column) => keyPart(row, column, table)))
    if (onConflict === 'update' || !byKey.has(value)) byKey.set(value, row)
  }
  return [...byKey]
}

function keyPart(row: Row, column: string, table: string): KeyValue {
  const value = row[column]
  if (typeof value === 'string' || typeof value === 'number') return value
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  if (value instanceof Date) return value.toISOString()
  throw Object.assign(
    new TypeError(
      `into('${table}'): key column '${column}' must be a text, number or date, received ${value === null ? 'null' : typeof value}`,
    ),
    {
      fault: 'data' as const,
    },
  )
}

/** The properties of all rows: an optional property that only a later row has must not be lost. */
function columnsOf(rows: readonly Row[]): string[] {
  const columns = new Set<string>()
  for (const row of rows) for (const column in row) columns.add(column)
  return [...columns]
}
