// Bulk writes into tables of a schema of their own, each in a transaction of a test's connection.

import type { Client } from 'pg'
import type { BulkWrite } from '../../src/ports/index.js'
import {
  type BulkWriter,
  type BulkWriterOptions,
  newBulkWriter,
} from '../../src/stores/postgres/bulk-write.js'
import type { PostgresRig, RigOptions } from './postgres-rig.js'
import { sessionOn } from './postgres-session.js'

export interface BulkBench {
  readonly rig: PostgresRig
  readonly writer: BulkWriter
  /** In a transaction of its own, which commits. */
  write(bulk: Partial<BulkWrite>): Promise<void>
  rows(sql: string): Promise<Record<string, unknown>[]>
}

/** Small, so that a few rows are copied. */
export const COPY_ROWS_MIN = 20

export const SETTINGS: BulkWriterOptions = {
  ...{ prepare: true, queryTimeoutMs: 10_000, copyRowsMin: COPY_ROWS_MIN },
  errorOf: (error) => error,
}

export const CLICKS = 'create table clicks (id text primary key, n integer, note text)'

export const WHOLE: BulkWrite = {
  table: 'clicks',
  columns: ['id', 'n'],
  key: ['id'],
  onConflict: 'update',
  rows: [],
}

/** Rows for `clicks`, with ids from `f0` on. */
export function filler(count: number, from = 0, note?: string): unknown[][] {
  return Array.from({ length: count }, (_, n) => [`f${n + from}`, n, ...(note === undefined ? [] : [note])])
}

export async function bulkBench(
  rigs: (options?: RigOptions) => Promise<PostgresRig>,
  sql = CLICKS,
): Promise<BulkBench> {
  const rig = await rigs({ state: 'nothing' })
  await rig.rows(`create schema ${rig.schema}`)
  const client = await sessionOn(rig)
  await client.query(sql)
  const writer = newBulkWriter(SETTINGS)
  return {
    rig,
    writer,
    write: (bulk) => inTransaction(client, () => writer.write(client, { ...WHOLE, ...bulk })),
    rows: async (text) => (await client.query(text)).rows as Record<string, unknown>[],
  }
}

async function inTransaction(client: Client, work: () => Promise<void>): Promise<void> {
  await client.query('begin')
  try {
    await work()
    await client.query('commit')
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}
