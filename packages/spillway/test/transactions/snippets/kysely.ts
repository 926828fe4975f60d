import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import type { Spillway } from '../../../src/index.js'
import { type OpenSnippet, type Order, shipOrder } from './order.js'

export const openKysely: OpenSnippet = (url) => {
  const db = new Kysely<{ orders: { id: number } }>({
    dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: url }) }),
  })

  // #region kysely
  async function place(spillway: Spillway, order: Order) {
    await db.transaction().execute(async (trx) => {
      await trx.insertInto('orders').values({ id: order.id }).execute()
      await spillway.submit(shipOrder, order, { tx: trx })
    })
  }
  // #endregion

  return { place, close: () => db.destroy() }
}
