import knex from 'knex'
import type { Spillway } from '../../../src/index.js'
import { type OpenSnippet, type Order, shipOrder } from './order.js'

export const openKnex: OpenSnippet = (url) => {
  const db = knex({ client: 'pg', connection: url })

  // #region knex
  async function place(spillway: Spillway, order: Order) {
    await db.transaction(async (trx) => {
      await trx('orders').insert({ id: order.id })
      await spillway.submit(shipOrder, order, { tx: trx })
    })
  }
  // #endregion

  return { place, close: () => db.destroy() }
}
