// Which library a transaction comes from. Drizzle and Knex keep the connection of `mysql2` that their transaction runs on; it is used
// as it is, beside them, as their own statements are.

import { type Handle, isShape, methodOf, refusal, type Shape } from './handle.js'
import { kyselyHandle } from './kysely-handle.js'
import { mysql2Handle } from './mysql2-handle.js'
import { prismaHandle } from './prisma-handle.js'

/** Throws `invalid_argument` for what is no transaction, or one of another kind of database. */
export async function recognise(tx: unknown): Promise<Handle> {
  if (!isShape(tx)) throw refusal('no transaction')
  const handle =
    prismaHandle(tx) ?? kyselyHandle(tx) ?? (await knexHandle(tx)) ?? drizzleHandle(tx) ?? mysql2Handle(tx)
  if (handle === null) throw refusal('nothing that Spillway knows')
  return handle
}

async function knexHandle(tx: Shape): Promise<Handle | null> {
  if (!isShape(tx.client)) return null
  const acquire = methodOf(tx.client, 'acquireConnection')
  if (acquire === null) return null
  if (tx.isTransaction !== true) throw refusal('a Knex instance outside a transaction')
  if (methodOf(tx, 'isCompleted')?.() === true) throw refusal('a Knex transaction that has ended')
  // Of a transaction this is always the one connection it runs on, and nothing to give back.
  const connection = await acquire()
  return isShape(connection) ? mysql2Handle(connection) : null
}

function drizzleHandle(tx: Shape): Handle | null {
  const session = tx.session ?? (isShape(tx._) ? tx._.session : undefined)
  return isShape(session) && isShape(session.client) ? mysql2Handle(session.client) : null
}
