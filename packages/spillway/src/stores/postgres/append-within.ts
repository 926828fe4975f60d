// Storing chunks in the caller's own transaction: the same statement, on the caller's connection. Other processes, and this one, hear
// of it when that commits.

import type { ChunkDraft } from '../../domain/index.js'
import type { AppendResult } from '../../ports/index.js'
import { ANSWER, type Answer, COLUMNS, distinctDrafts, inOrder, resultsOf } from './append.js'
import { type AppendColumns, appendColumns } from './append-columns.js'
import type { Database } from './database.js'
import { elsewhere, enlist, isStore, newIdentity } from './enlist/index.js'
import { sqlState, storeError } from './errors.js'

export type AppendWithin = (
  tx: unknown,
  drafts: readonly ChunkDraft[],
  atomic: boolean,
) => Promise<readonly AppendResult[]>

export interface AppendWithinOptions {
  /** Of the notifications. */
  readonly channel: string
  /** Of the database, for messages. */
  readonly where: string
}

const APPEND_WITHIN = `${ANSWER} @.append_2($1::bigint, $2::boolean, false, $23::text, ${COLUMNS}) where ${isStore('$24')}`
const APPEND_ATOMIC_WITHIN = `${ANSWER} @.append_atomic_2($1::bigint, $2::boolean, $23::text, ${COLUMNS}) where ${isStore('$24')}`
const ADD_QUEUES = 'insert into @.queues (name) select unnest($1::text[]) on conflict do nothing'

/** Keys are looked up before they are taken: a vain try would cost the caller's transaction a savepoint. */
const IS_FRESH = false
/** The tables or functions are not there. */
const MISSING: ReadonlySet<string | null> = new Set(['3F000', '42P01', '42883'])
/** Names of queues remembered. */
const QUEUES_MAX = 10_000

export function newAppendWithin(db: Database, { channel, where }: AppendWithinOptions): AppendWithin {
  const identity = newIdentity(db)
  const knownQueues = new Set<string>()

  /** Ahead of the transaction, or everybody else who stores something in a new queue would wait for its end. */
  async function addQueues(drafts: readonly ChunkDraft[]): Promise<void> {
    const fresh = [...new Set(drafts.map(({ queue }) => queue))].filter((queue) => !knownQueues.has(queue))
    if (fresh.length === 0) return
    await db.query(ADD_QUEUES, [fresh.sort()])
    if (knownQueues.size + fresh.length > QUEUES_MAX) knownQueues.clear()
    for (const queue of fresh) knownQueues.add(queue)
  }

  async function answersTo(tx: unknown, drafts: readonly ChunkDraft[], atomic: boolean): Promise<Answer[]> {
    const sql = (atomic ? APPEND_ATOMIC_WITHIN : APPEND_WITHIN).replaceAll('@.', () => `${db.schema}.`)
    const own = await identity()
    await addQueues(drafts)
    try {
      const runner = await enlist(tx)
      const values = [db.now(), IS_FRESH, ...plainValues(appendColumns(drafts)), channel, own]
      return (await runner.run(sql, values)).rows.map(answerOf)
    } catch (error) {
      if (MISSING.has(sqlState(error))) throw elsewhere(error)
      // Nothing of it is stored unless the transaction commits, so its outcome is not unknown.
      throw storeError(error, { where, sent: false })
    }
  }

  return async (tx, drafts, atomic) => {
    const distinct = distinctDrafts(drafts)
    if (distinct.length === 0) return []
    const answers = await answersTo(tx, distinct, atomic)
    // It answers every draft, unless it was asked of another store.
    if (answers.length === 0) throw elsewhere()
    return inOrder(drafts, distinct, resultsOf(distinct, answers))
  }
}

function answerOf({ created_at, absent }: Readonly<Record<string, unknown>>): Answer {
  return { created_at: Number(created_at), absent: absent === null ? null : String(absent) }
}

function plainValues(columns: AppendColumns): unknown[] {
  const { keys, followers } = columns
  return [
    ...[columns.ids, columns.queues, columns.types, columns.priorities, columns.partitions, columns.tenants],
    ...[columns.codecs, columns.bodies, columns.sizes, columns.parkedDrafts, columns.parked],
    ...[keys.drafts, keys.indexes, keys.texts, keys.fingerprints, keys.windows],
    ...[followers.drafts, followers.indexes, followers.leaders, followers.fingerprints],
  ]
}
