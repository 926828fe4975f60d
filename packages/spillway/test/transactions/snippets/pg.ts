import pg from 'pg'
import type { Spillway } from '../../../src/index.js'
import { type OpenSnippet, type Order, shipOrder } from './order.js'

export const openPg: OpenSnippet = (url) => {
  const pool = new pg.Pool({ connectionString: url })

  // #region pg
  async function place(spillway: Spillway, order: Order) {
    const client = await pool.connect()
    try {
      await client.query('begin')
      await client.query('insert into orders (id) values ($1)', [order.id])
      await spillway.submit(shipOrder, order, { tx: client })
      await client.query('commit')
    } catch (error) {
      await client.query('rollback')
      throw error
    } finally {
      client.release()
    }
  }
  // #endregion

  return { place, close: () => pool.end() }
}
