// Effects and settlement in one commit. The leases are locked with the transaction's first statement and settled with its last,
// each sent together with BEGIN and COMMIT: beside the handler's own statements that is two round trips.

import type { PoolClient, QueryResult } from 'pg'
import type { LeaseRef, LeaseVerdict, Settlement } from '../../domain/index.js'
import { SpillwayError } from '../../errors/index.js'
import type { SettleScope, SettleWork } from '../../ports/index.js'
import type { BulkWriter } from './bulk-write.js'
import { assertCommitted, rollback } from './commit.js'
import type { Connections } from './connections.js'
import type { Database } from './database.js'
import { classifyPostgresError, faulty, sqlState } from './errors.js'
import { endedByHandler, handlerClient } from './handler-client.js'
import { newSavepoints, withFault } from './savepoints.js'
import { type Held, hintsOf, leaseValues, SETTLE, settleValues } from './settle.js'
import type { Statements } from './statements.js'
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
    const { held, valid } = await connections.lend('transactions', (client) =>
      run(parts, client, leases, work),
    )
    database.give(hintsOf(held))
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
): Promise<{ readonly held: readonly Held[]; readonly valid: readonly boolean[] }> {
  const { statements } = parts
  try {
    const { xid, valid } = await begin(parts, client, leases)
    const settlements = await handled(parts, client, work, valid)
    for (const settlement of settlements) assertValid(settlement, leases, valid)
    const held = await finish(parts, client, xid, settlements)
    return { held, valid }
  } catch (error) {
    await rollback(client, statements)
    throw error
  }
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
): Promise<readonly Settlement[]> {
  const handling = handlerClient(client)
  const savepoint = newSavepoints(handling, statements)
  const scope: SettleScope<PoolClient> = {
    tx: handling.tx,
    // The port's type follows the work: what it returns as a promise comes as one, and so does everything else here.
    savepoint: <T>(inside: () => T) => savepoint(inside) as T,
    write: (bulk) => bulkWriter.write(handling.tx, bulk),
  }
  try {
    return await work(scope, valid)
  } catch (error) {
    throw new HandlerThrew(withFault(error))
  } finally {
    handling.revoke()
  }
}

async function finish(
  { statements, database }: SettleWithinParts,
  client: PoolClient,
  xid: string,
  settlements: readonly Settlement[],
): Promise<readonly Held[]> {
  try {
    const [answer, committed] = await together(client, [
      statements.of(SETTLE, [database.now(), xid, ...settleValues(settlements)]),
      statements.of('commit', []),
    ])
    assertCommitted(committed as QueryResult)
    return (answer as QueryResult).rows as Held[]
  } catch (error) {
    if (sqlState(error) === OTHER_TRANSACTION) throw endedByHandler(error)
    if (sqlState(error) === NOT_HELD) throw settledTwice(error)
    if (sqlState(error) === ABORTED) throw faulty(failedBefore(error), 'data')
    // A constraint that is checked at the commit: the handler's doing.
    if (classifyPostgresError(error) === 'data') throw new HandlerThrew(withFault(error))
    throw error
  }
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
