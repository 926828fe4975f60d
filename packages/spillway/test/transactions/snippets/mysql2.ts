import mysql from 'mysql2/promise'
import type { Spillway } from '../../../src/index.js'
import { type OpenSnippet, type Order, shipOrder } from './order.js'

export const openMysql2: OpenSnippet = (url) => {
  const pool = mysql.createPool(url)

  // #region mysql2
  async function place(spillway: Spillway, order: Order) {
    const connection = await pool.getConnection()
    try {
      await connection.beginTransaction()
      await connection.execute('insert into orders (id) values (?)', [order.id])
      await spillway.submit(shipOrder, order, { tx: connection })
      await connection.commit()
    } catch (error) {
      await connection.rollback()
      throw error
    } finally {
      connection.release()
    }
  }
  // #endregion

  return { place, close: () => pool.end() }
}
