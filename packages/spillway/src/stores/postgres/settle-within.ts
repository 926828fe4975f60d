// Effects and settlement in one commit. The leases are locked with the transaction's first statement and settled with its last,
// each sent together with BEGIN and COMMIT: beside the handler's own statements that is two round trips.

import type { PoolClient, QueryResult } from 'pg'
import type { ChunkDraft, LeaseRef, LeaseVerdict, Settlement } from '../../domain/index.js'
import { SpillwayError } from '../../errors/index.js'
import type { SettleScope, SettleWork } from '../../ports/index.js'
import { type Answer, APPEND, appendHints, distinctDrafts, unkeyedValues } from './append.js'
import type { BulkWriter } from './bulk-write.js'
import { assertCommitted, rollback } from './commit.js'
import type { Connections } from './connections.js'
import type { Database } from './database.js'
import { classifyPostgresError, faulty, sqlState } from './errors.js'
import { endedByHandler, handlerClient } from './handler-client.js'
import type { Hints } from './hints.js'
import { newSavepoints, withFault } from './savepoints.js'
import { appendsOf, type Held, hintsOf, leaseValues, SETTLE, settleValues } from './settle.js'
import type { Statement, Statements } from './statements.js'
import { together } from './together.js'

export interface SettleWithinParts {
  readonly connections: Connections
  readonly statements: Statements
  readonly database: Database
  readonly bulkWriter: BulkWriter
  readonly idleTransactionMs: number
}

const HOLD = 'select xid, places from @.hold_within_1($1::bigint, $2::text[], $3::bigint[])'

const OTHER_TRANSACTION = 'SPW02'
const NOT_HELD = 'SPW03'
/** A statement failed before, and since then the server has refused all others. */
const ABORTED = '25P02'

/** What a handler threw: not the store's to interpret. */
class HandlerThrew extends Error {
  constructor(cause: unknown) {
    super('handler threw', { cause })
  }
}

export async function settleWithin(
  parts: SettleWithinParts,
  leases: readonly LeaseRef[],
  work: SettleWork<PoolClient>,
): Promise<readonly LeaseVerdict[]> {
  const { connections, database } = parts
  try {
    const { hints, valid } = await connections.lend('transactions', (client) =>
      run(parts, client, leases, work),
    )
    database.give(hints)
    return valid.map((isValid) => (isValid ? 'ok' : 'stale'))
  } catch (error) {
    throw error instanceof HandlerThrew ? error.cause : connections.errorOf(error)
  }
}

async function run(
  parts: SettleWithinParts,
  client: PoolClient,
  leases: readonly LeaseRef[],
  work: SettleWork<PoolClient>,
): Promise<{ readonly hints: Hints; readonly valid: readonly boolean[] }> {
  const { statements } = parts
  try {
    const { xid, valid } = await begin(parts, client, leases)
    const { settlements, unsent } = await handled(parts, client, work, valid)
    for (const settlement of settlements) assertValid(settlement, leases, valid)
    const hints = await finish(parts, client, xid, settlements, unsent)
    return { hints, valid }
  } catch (error) {
    await rollback(client, statements)
    throw error
  }
}

interface Handled {
  readonly settlements: readonly Settlement[]
  /** To be sent before the settlement. */
  readonly unsent: string | null
}

async function begin(
  { statements, idleTransactionMs }: SettleWithinParts,
  client: PoolClient,
  leases: readonly LeaseRef[],
): Promise<{ readonly xid: string; readonly valid: readonly boolean[] }> {
  const [, answer] = await together(client, [
    statements.of('begin isolation level read committed', []),
    statements.of(HOLD, [idleTransactionMs, ...leaseValues(leases)]),
  ])
  const { xid, places } = (answer as QueryResult).rows[0] as { xid: string; places: number[] }
  const held = new Set(places)
  return { xid, valid: leases.map((_, at) => held.has(at + 1)) }
}

async function handled(
  { statements, bulkWriter }: SettleWithinParts,
  client: PoolClient,
  work: SettleWork<PoolClient>,
  valid: readonly boolean[],
): Promise<Handled> {
  const handling = handlerClient(client, () => savepoints.beforeHandlers())
  const savepoints = newSavepoints(handling, statements)
  const scope: SettleScope<PoolClient> = {
    tx: handling.tx,
    // The port's type follows the work: what it returns as a promise comes as one, and so does everything else here.
    savepoint: <T>(inside: () => T) => savepoints.around(inside) as T,
    write: (bulk) => bulkWriter.write(handling.own, bulk, savepoints.takeUnsent),
  }
  try {
    return { settlements: await work(scope, valid), unsent: savepoints.takeUnsent() }
  } catch (error) {
    throw new HandlerThrew(withFault(error))
  } finally {
    handling.revoke()
  }
}

async function finish(
  parts: SettleWithinParts,
  client: PoolClient,
  xid: string,
  settlements: readonly Settlement[],
  unsent: string | null,
): Promise<Hints> {
  const { statements, database } = parts
  const settling = [
    ...(unsent === null ? [] : [statements.of(unsent, [])]),
    statements.of(SETTLE, [database.now(), xid, ...settleValues(settlements)]),
  ]
  try {
    const appends = distinctDrafts(appendsOf(settlements))
    if (appends.length > 0) return await finishAppending(parts, client, settling, appends)
    const [settled] = await commitAfter(parts, client, settling)
    return hintsOf((settled as QueryResult).rows as Held[])
  } catch (error) {
    if (sqlState(error) === OTHER_TRANSACTION) throw endedByHandler(error)
    if (sqlState(error) === NOT_HELD) throw settledTwice(error)
    if (sqlState(error) === ABORTED) throw faulty(failedBefore(error), 'data')
    // A constraint that is checked at the commit: the handler's doing.
    if (classifyPostgresError(error) === 'data') throw new HandlerThrew(withFault(error))
    throw error
  }
}

/** Answers from the last statement before the commit. */
async function commitAfter(
  { statements }: SettleWithinParts,
  client: PoolClient,
  before: readonly Statement[],
): Promise<readonly QueryResult[]> {
  const answers = await together(client, [...before, statements.of('commit', [])])
  assertCommitted(answers.at(-1) as QueryResult)
  return answers.slice(-2)
}

/** Not before it is known that the transaction is still the handler's: outside of it each append would be a commit. */
async function finishAppending(
  parts: SettleWithinParts,
  client: PoolClient,
  settling: readonly Statement[],
  appends: readonly ChunkDraft[],
): Promise<Hints> {
  const { statements, database } = parts
  const settled = await together(client, settling)
  const appending = statements.of(APPEND, unkeyedValues(database, appends))
  const [appended] = await commitAfter(parts, client, [appending])
  const hints = hintsOf((settled.at(-1) as QueryResult).rows as Held[])
  hints.addAll(appendHints(appends, (appended as QueryResult).rows as Answer[]))
  return hints
}

function assertValid(
  { chunkId, token }: Settlement,
  leases: readonly LeaseRef[],
  valid: readonly boolean[],
): void {
  const isValid = leases.some((lease, at) => lease.chunkId === chunkId && lease.token === token && valid[at])
  if (isValid) return
  throw new SpillwayError('internal', `Settle only valid leases of this call: chunk ${chunkId} is not one.`, {
    details: { chunkId, token },
  })
}

function settledTwice(cause: unknown): SpillwayError {
  return new SpillwayError('internal', 'Settle each lease of a call once: one was not valid any more.', {
    cause,
  })
}

function failedBefore(cause: unknown): SpillwayError {
  return new SpillwayError(
    'invalid_argument',
    'A statement on ctx.tx failed and the handler went on: PostgreSQL undoes the whole transaction then. Let the error through, or run what may fail inside a savepoint.',
    { cause },
  )
}
