// Commands written in a transaction of the caller's own: they exist once it commits, and never did when it rolls back. So they
// bypass the group commit, which is about sharing commits of ours, and are never counted as accepted.

import type { Receipt } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import type { OfferVerdict, PreparedCommand } from '../ports/index.js'
import { type CommandLike, type Lane, type Reception, receiptOf } from './reception.js'
import type { EachOptions } from './submit-options.js'

/** What the caller said; `tx` may still be anything. */
interface Within {
  readonly tx: unknown
  readonly atomic: boolean
}

export async function submitWithin(
  reception: Reception,
  command: CommandLike,
  payload: unknown,
  options: EachOptions,
  tx: unknown,
): Promise<Receipt> {
  const startedAt = reception.clock.monotonic()
  const lane = reception.laneOf(command)
  const prepared = await reception.prepare(lane, payload, () => options)
  if (prepared instanceof SpillwayError) {
    reception.count(lane, 'rejected', startedAt)
    throw prepared
  }
  const [verdict] = await offerWithin(reception, lane, [prepared], { tx, atomic: false }, startedAt)
  if (verdict?.status === 'rejected') throw verdict.error
  return receiptOf(lane, verdict as Exclude<OfferVerdict, { status: 'rejected' }>)
}

/** Offers and counts. Rejects when the call as a whole fails, with every command of it counted as rejected. */
export async function offerWithin(
  reception: Reception,
  lane: Lane,
  commands: readonly PreparedCommand[],
  { tx, atomic }: Within,
  startedAt: number,
): Promise<readonly OfferVerdict[]> {
  if (commands.length === 0) return []
  try {
    const transaction = transactionOf(tx)
    const verdicts = await reception.turns.take(transaction, () =>
      lane.channel.offerWithin(commands, { tx: transaction, atomic }),
    )
    for (const { status } of verdicts)
      reception.count(lane, status === 'accepted' ? 'enlisted' : status, startedAt)
    return verdicts
  } catch (error) {
    for (const _ of commands) reception.count(lane, 'rejected', startedAt)
    throw error
  }
}

/** Knex hands its transactions out as functions. */
function transactionOf(tx: unknown): object {
  if ((typeof tx === 'object' && tx !== null) || typeof tx === 'function') return tx
  throw new SpillwayError(
    'invalid_argument',
    'tx must be an open transaction: a pg client or mysql2 connection inside BEGIN, or what Kysely, Drizzle, Knex or Prisma hand out.',
    { details: { option: 'tx' } },
  )
}
