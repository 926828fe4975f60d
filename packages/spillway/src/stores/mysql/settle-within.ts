// Effects and settlement in one commit. The leases are checked and locked first, so that nobody takes them over until the commit;
// then the handler works in the same transaction, on a connection that undoes whatever is not committed here.

import type { LeaseRef, LeaseVerdict, Settlement } from '../../domain/index.js'
import { SpillwayError } from '../../errors/index.js'
import type { SettleScope, SettleWork } from '../../ports/index.js'
import type { BulkWriter } from './bulk-write.js'
import type { OpenConnection } from './connection.js'
import { HandlerThrew } from './errors.js'
import { storeFollowing } from './following.js'
import { type HandlersScope, newHandlersScope } from './handlers-scope.js'
import type { MysqlTx } from './handlers-tx.js'
import { type Holding, holdChunks } from './held-chunk.js'
import { HeldWrites } from './held-writes.js'
import type { QueueNames } from './queue-names.js'
import { select } from './select.js'
import type { Session } from './session.js'
import { Hints, type Wake } from './wake.js'

/** What a settlement with effects needs of an open store. */
export interface WithinParts {
  readonly session: Session
  readonly queueNames: QueueNames
  readonly bulkWriter: BulkWriter
}

export async function settleWithin(
  parts: WithinParts,
  wake: Wake,
  leases: readonly LeaseRef[],
  work: SettleWork<MysqlTx>,
): Promise<LeaseVerdict[]> {
  try {
    const { verdicts, hints } = await parts.session.withHandlersConnection((connection) =>
      inTransaction(connection, parts, leases, work),
    )
    wake.give(hints)
    return verdicts
  } catch (error) {
    throw error instanceof HandlerThrew ? error.cause : error
  }
}

/** The connection is in a transaction at all times: the first statement begins it, and whoever lends it undoes what is left. */
async function inTransaction(
  connection: OpenConnection,
  parts: WithinParts,
  leases: readonly LeaseRef[],
  work: SettleWork<MysqlTx>,
): Promise<{ verdicts: LeaseVerdict[]; hints: Hints }> {
  const { session, bulkWriter } = parts
  const holding = leases.length === 0 ? NOTHING_HELD : await holdChunks(connection, leases, session.now())
  const valid = leases.map((lease) => holding.find(lease) !== null)
  const handler = newHandlersScope(connection, bulkWriter, session.place)
  const settlements = await run(handler, (scope) => work(scope, valid))
  const hints = new Hints()
  const held = leases.filter((_, place) => valid[place])
  const statements = await writesOf(connection, parts, held, holding, settlements, hints)
  await connection.send([...statements, 'commit'])
  return { verdicts: valid.map((isValid) => (isValid ? 'ok' : 'stale')), hints }
}

async function run(
  { scope, end, fail }: HandlersScope,
  work: (scope: SettleScope<MysqlTx>) => ReturnType<SettleWork<MysqlTx>>,
): Promise<readonly Settlement[]> {
  let settlements: readonly Settlement[]
  try {
    settlements = await work(scope)
  } catch (error) {
    throw new HandlerThrew(fail(error))
  }
  await end()
  return settlements
}

const NOTHING_HELD: Holding = { now: 0, find: () => null, drop: () => {} }

async function writesOf(
  connection: OpenConnection,
  { session, queueNames }: WithinParts,
  held: readonly LeaseRef[],
  holding: Holding,
  settlements: readonly Settlement[],
  hints: Hints,
): Promise<string[]> {
  const time = { ms: await timeFor(connection, session, holding, settlements), sql: session.now() }
  const writes = new HeldWrites(holding, hints, time)
  for (const settlement of settlements) {
    const named = held.some(
      ({ chunkId, token }) => chunkId === settlement.chunkId && token === settlement.token,
    )
    if (!named || writes.settle(settlement) !== 'ok') throw notHeld(settlement)
  }
  if (writes.following.length > 0) await queueNames.store(session, writes.following)
  return [
    ...writes.statements(),
    ...(await storeFollowing(connection, writes.following, session.now(), hints)),
  ]
}

/** The handler took its time, and what is written about single commands counts from now. */
async function timeFor(
  connection: OpenConnection,
  session: Session,
  holding: Holding,
  settlements: readonly Settlement[],
): Promise<number> {
  const writesRows = settlements.some(
    (settlement) => settlement.updates.length > 0 || holding.find(settlement)?.promoted === true,
  )
  if (!writesRows) return holding.now
  const [row] = await select<{ now: number }>(connection, `select ${session.now()} as now`)
  return Number(row?.now)
}

function notHeld({ chunkId, token }: Settlement): SpillwayError {
  return new SpillwayError(
    'internal',
    `Settle only valid leases of this call, each once: chunk ${chunkId} is not one.`,
    { details: { chunkId, token } },
  )
}
