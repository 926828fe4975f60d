import { drizzle } from 'drizzle-orm/node-postgres'
import { integer, pgTable } from 'drizzle-orm/pg-core'
import pg from 'pg'
import type { Spillway } from '../../../src/index.js'
import { type OpenSnippet, type Order, shipOrder } from './order.js'

const orders = pgTable('orders', { id: integer().primaryKey() })

export const openDrizzle: OpenSnippet = (url) => {
  const pool = new pg.Pool({ connectionString: url })
  const db = drizzle(pool)

  // #region drizzle
  async function place(spillway: Spillway, order: Order) {
    await db.transaction(async (tx) => {
      await tx.insert(orders).values({ id: order.id })
      await spillway.submit(shipOrder, order, { tx })
    })
  }
  // #endregion

  return { place, close: () => pool.end() }
}
