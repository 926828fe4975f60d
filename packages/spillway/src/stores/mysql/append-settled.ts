// Rows and the chunks they come from, as one packet from BEGIN to COMMIT (decision 16), on a connection of the store: what is sent is made here,
// none of it by a handler. The rows come first. They are what may have to wait for others, and until they are written nothing is held that
// appends wait for, neither the ring of the key tables nor a key. An application that writes its rows and then submits in the same
// transaction takes its locks in that order too.
//
// `lockWaitMs` bounds the wait for the application's rows and table, in whole seconds, which is how the server counts: 25 ms are one second. Only
// MariaDB can be told for a single statement. MySQL would have to be told for the session, and again afterwards; there it is ignored, and the wait
// is that of any write. Waits for rows of the store itself are bounded as they are for an append.

import type { ChunkDraft } from '../../domain/index.js'
import { isSpillwayError } from '../../errors/index.js'
import { type BulkWrite, canSettleAtOnce, type Store } from '../../ports/index.js'
import { NOW } from './append-at-once.js'
import type { BulkWriter } from './bulk-write.js'
import { insertChunks, type NewChunk } from './chunks.js'
import { LOCK_WAIT_S } from './connection.js'
import { chunkOf } from './drafts.js'
import {
  endsConnection,
  faulty,
  isDeadlock,
  isDuplicateEntry,
  isLockTimeout,
  isOutOfRange,
} from './errors.js'
import type { KeyTables, RingState } from './key-tables.js'
import { takeOverExpired } from './keys.js'
import { type NewKeys, newKeyStatements } from './new-keys.js'
import type { QueueNames } from './queue-names.js'
import { anyLimited, holdQueues } from './room.js'
import { select } from './select.js'
import type { Session, Transaction } from './session.js'
import { Stopped, stopIf } from './stops.js'

export interface AppendSettledParts {
  readonly session: Session
  readonly tables: KeyTables
  readonly queueNames: QueueNames
  readonly bulkWriter: BulkWriter
}

const SELECT_NOW = `select ${NOW} as now`
/** Which part of the packet the server is at. An error does not say, and a duplicate entry means one thing of a row and another of a key. */
const STEP = '@spillway_step'
/** How often it is begun where the ring of the key tables was turned in between. */
const ATTEMPTS_MAX = 2

export function newAppendSettled(parts: AppendSettledParts): Store['appendSettled'] {
  return async (drafts, rows, { lockWaitMs = 0 } = {}) => {
    if (!canSettleAtOnce(drafts, rows)) return null
    try {
      return await untilRingStands(parts, drafts, rows, lockWaitMs)
    } catch (error) {
      throw error instanceof RowsRefused ? error.cause : faultOf(error)
    }
  }
}

/** Null when something is known or held back. That the ring is not as remembered is no reason to decline: then it begins again. */
async function untilRingStands(
  parts: AppendSettledParts,
  drafts: readonly ChunkDraft[],
  rows: BulkWrite,
  lockWaitMs: number,
): Promise<number | null> {
  const { session, tables } = parts
  for (let attempt = 1; ; attempt += 1) {
    // Before the transaction: while it holds a connection, it should not wait for another.
    const keys = await newKeyStatements(session, tables, drafts, NOW, takeOverExpired(NOW))
    try {
      return await inOnePacket(parts, drafts, rows, keys, lockWaitMs)
    } catch (error) {
      if (!(error instanceof Stopped)) throw error
      if (attempt === ATTEMPTS_MAX || keys.ring === null || !(await wasTurned(parts, keys.ring))) return null
    }
  }
}

/** Since it was as the packet expected it. */
async function wasTurned({ session, tables }: AppendSettledParts, ring: RingState): Promise<boolean> {
  tables.forget()
  return (await tables.stateFor(session, 0)).generation !== ring.generation
}

/** The rows cannot be written. Not the session's to interpret. */
class RowsRefused extends Error {
  constructor(cause: unknown) {
    super('rows refused', { cause })
  }
}

function faultOf(error: unknown): unknown {
  return isSpillwayError(error, 'store_unavailable') ? faulty(error, 'transient') : error
}

async function inOnePacket(
  { session, queueNames, bulkWriter }: AppendSettledParts,
  drafts: readonly ChunkDraft[],
  rows: BulkWrite,
  keys: NewKeys,
  lockWaitMs: number,
): Promise<number> {
  const now = session.now()
  const queues = [...new Set(drafts.map(({ queue }) => queue))]
  const names = queueNames.storing(drafts)
  const before = [`set ${STEP} = 'queues'`, stopIf(anyLimited(queues)), `set ${STEP} = 'rows'`]
  const after = [
    // Not before: the rows may have waited, and a key's window begins now.
    `set ${STEP} = 'chunks', ${NOW} = ${now}`,
    SELECT_NOW,
    ...keys.statements,
    ...names.statements,
    // Again, and this time it stays so: whoever pauses a queue knows that nothing is settled any more once that is done.
    holdQueues(queues),
    stopIf(anyLimited(queues)),
    ...insertChunks(drafts.map(settledChunk), NOW),
  ]
  const createdAt = await session.transactionOnRows(async (transaction) => {
    const inserts = await insertsOf(bulkWriter, transaction, rows, lockWaitMs)
    const statements = [...before, ...inserts, ...after]
    try {
      const results = await transaction.finish(statements)
      return Number(results[statements.indexOf(SELECT_NOW)]?.rows[0]?.now)
    } catch (error) {
      const isAtRows = await isStoppedAtRows(transaction, error)
      throw isAtRows ? rowsError(error, bulkWriter, rows, lockWaitMs) : chunksError(error)
    }
  })
  names.stored()
  return createdAt
}

function settledChunk(draft: ChunkDraft): NewChunk {
  return { ...(chunkOf(draft, null) as NewChunk), state: 'done', succeeded: draft.size }
}

async function insertsOf(
  bulkWriter: BulkWriter,
  transaction: Transaction,
  rows: BulkWrite,
  lockWaitMs: number,
): Promise<string[]> {
  try {
    return await bulkWriter.statementsOf(transaction, rows, waitingAtMost(lockWaitMs))
  } catch (error) {
    throw new RowsRefused(error)
  }
}

/** Read by MariaDB alone; the others take it for a comment. Over with the statement, however that ends. */
function waitingAtMost(lockWaitMs: number): string {
  if (lockWaitMs <= 0) return ''
  const waitS = Math.min(LOCK_WAIT_S, Math.ceil(lockWaitMs / 1_000))
  return `/*M!100600 set statement innodb_lock_wait_timeout = ${waitS}, lock_wait_timeout = ${waitS} for */ `
}

/** False also where the transaction is gone, or nobody knows. */
async function isStoppedAtRows(transaction: Transaction, error: unknown): Promise<boolean> {
  if (isSpillwayError(error) || endsConnection(error) || isDeadlock(error)) return false
  const asked = select<{ step: string }>(transaction, `select ${STEP} as step`)
  const [row] = await asked.catch(() => [])
  return row?.step === 'rows'
}

function rowsError(error: unknown, bulkWriter: BulkWriter, rows: BulkWrite, lockWaitMs: number): Error {
  if (lockWaitMs > 0 && isLockTimeout(error)) return new Stopped()
  return new RowsRefused(bulkWriter.refusal(error, rows))
}

/** A known chunk or a stop is a duplicate entry, a known key is out of range. */
function chunksError(error: unknown): unknown {
  return isDuplicateEntry(error) || isOutOfRange(error) ? new Stopped() : error
}
