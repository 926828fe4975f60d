// Rows and the chunks they come from, by one statement: the insert into the application's table goes along with the store's own function, so it is
// one round trip and one commit, and either all of it is there or nothing.

import type { PoolClient, QueryResult } from 'pg'
import { canSettleAtOnce, type Store } from '../../ports/index.js'
import { type AppendColumns, appendColumns } from './append-columns.js'
import type { BulkWriter, RowInsert } from './bulk-write.js'
import { int4s, int8s, texts } from './columns.js'
import { assertCommitted, BEGIN } from './commit.js'
import type { Connections } from './connections.js'
import type { Database } from './database.js'
import { sqlState } from './errors.js'
import type { Statement, Statements } from './statements.js'
import { together } from './together.js'

export interface AppendSettledParts {
  readonly connections: Connections
  readonly statements: Statements
  readonly database: Database
  readonly bulkWriter: BulkWriter
}

const PARAMETER_TYPES = [
  ...['bigint', 'boolean', 'text[]', 'text[]', 'text[]', 'integer[]', 'text[]', 'text[]', 'text[]'],
  ...['integer[]', 'integer[]', 'integer[]', 'text[]', 'text[]', 'bigint[]'],
]

/** A queue is held back, or a key is known. */
const NOT_NOW = 'SPW04'
const UNIQUE_VIOLATION = '23505'
const LOCK_NOT_AVAILABLE = '55P03'

interface Answer {
  readonly created_at: number
}

export function newAppendSettled(parts: AppendSettledParts): Store['appendSettled'] {
  const { connections, database, bulkWriter } = parts
  return async (drafts, rows, { lockWaitMs = 0 } = {}) => {
    if (!canSettleAtOnce(drafts, rows)) return null
    const columns = appendColumns(drafts)
    if (columns.followers.drafts.length > 0) return null
    let insert: RowInsert | null = null
    try {
      // Who waits for a receipt does not wait for handlers to give their connections back.
      return await connections.lend(lockWaitMs > 0 ? 'calls' : 'transactions', async (client) => {
        insert = await bulkWriter.insertOf(client, rows)
        if (insert === null) return null
        const own = [database.now(), true, ...valuesOf(columns)]
        const createdAt = await send(parts, client, statementOf(parts, insert, own), Math.ceil(lockWaitMs))
        insert.met(false)
        return createdAt
      })
    } catch (error) {
      if (isDeclined(error, insert)) return null
      throw connections.errorOf(errorOf(error, insert))
    }
  }
}

/** Null of the insert: it was not sent. */
function isDeclined(error: unknown, insert: RowInsert | null): boolean {
  const state = sqlState(error)
  if (state !== UNIQUE_VIOLATION) return state === NOT_NOW || state === LOCK_NOT_AVAILABLE
  if (isOwn(error)) return true
  // Of rows that need not be new, an index that is not that of their key refuses one.
  if (insert?.isNew !== true) return false
  insert.met(true)
  return true
}

function errorOf(error: unknown, insert: RowInsert | null): unknown {
  return insert === null || isOwn(error) ? error : insert.errorOf(error)
}

/** Whether it is the store's own function that failed, and not the insert. */
function isOwn(error: unknown): boolean {
  return error instanceof Error && 'where' in error && String(error.where).includes('append_settled_1(')
}

/**
 * Locks of tables are waited for before a statement begins, so a limit has to be set before it. It goes along in the same write.
 */
async function send(
  { statements }: AppendSettledParts,
  client: PoolClient,
  statement: Statement,
  lockWaitMs: number,
): Promise<number> {
  if (lockWaitMs <= 0) return createdAtOf(await client.query<Answer>(statement))
  const begin = statements.of(`${BEGIN}; set local lock_timeout = ${lockWaitMs}`, [])
  const [, answer, end] = await together(client, [begin, statement, statements.of('commit', [])])
  assertCommitted(end as QueryResult)
  return createdAtOf(answer as QueryResult<Answer>)
}

function createdAtOf({ rows }: QueryResult<Answer>): number {
  return (rows[0] as Answer).created_at
}

function statementOf(
  { statements }: AppendSettledParts,
  insert: RowInsert,
  own: readonly unknown[],
): Statement {
  const places = PARAMETER_TYPES.map((type, at) => `$${insert.values.length + at + 1}::${type}`).join(', ')
  const append = `${statements.schema}.append_settled_1(${places})`
  return statements.asIs(`with landed as (${insert.sql}) select ${append} as created_at`, [
    ...insert.values,
    ...own,
  ])
}

function valuesOf({ keys, ...columns }: AppendColumns): unknown[] {
  return [
    texts(columns.ids),
    texts(columns.queues),
    texts(columns.types),
    int4s(columns.priorities),
    texts(columns.tenants),
    texts(columns.codecs),
    texts(columns.bodies),
    int4s(columns.sizes),
    int4s(keys.drafts),
    int4s(keys.indexes),
    texts(keys.texts),
    texts(keys.fingerprints),
    int8s(keys.windows),
  ]
}
