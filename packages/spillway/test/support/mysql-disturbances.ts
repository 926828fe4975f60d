// What tests do to a store on MySQL while it works: connections that end, and waiting until a statement waits.

import type { Connection, RowDataPacket } from 'mysql2/promise'
import type { MysqlRig } from './mysql-rig.js'

/** Ends every connection of the store, as a restart of the server would. */
export async function killStores(rig: MysqlRig, spared: readonly Connection[] = []): Promise<void> {
  const ids = await Promise.all(spared.map(idOf))
  const rows = await rig.rows(
    `select id from information_schema.processlist where db = database() and id not in (${['connection_id()', ...ids].join(', ')})`,
  )
  for (const { id } of rows) await rig.rows(`kill ${id}`).catch(() => {})
}

async function idOf(connection: Connection): Promise<number> {
  const [rows] = await connection.query<RowDataPacket[]>('select connection_id() as id')
  return rows[0]?.id
}

/** Resolves with its connection's id when a statement of the store waits for a lock. */
export async function untilOneWaits(boss: Connection): Promise<number> {
  for (;;) {
    const [thread] = await waitingThreads(boss)
    if (thread !== undefined) return thread
    await boss.query('do sleep(0.01)')
  }
}

/** Connections to the database of which a statement waits for a lock. */
export function waitingThreads(boss: Connection): Promise<number[]> {
  return ownThreads(boss, (transaction) => /^LOCK WAIT /m.test(transaction))
}

/** Connections to the database that are in a transaction which has done something. */
export function openTransactions(boss: Connection): Promise<number[]> {
  return ownThreads(boss, (transaction) => /^\S+, ACTIVE /.test(transaction))
}

/**
 * As the server describes its transactions in words. All that look into its tables of transactions share one picture of them, which is drawn
 * anew only when nobody has looked for 100 ms: two tests that wait for something to appear there keep each other from seeing it.
 */
async function ownThreads(boss: Connection, among: (transaction: string) => boolean): Promise<number[]> {
  const [status] = await boss.query<RowDataPacket[]>('show engine innodb status')
  const transactions = String(status[0]?.Status).split('---TRANSACTION ').slice(1)
  const threads = transactions.filter(among).flatMap((transaction) => {
    const [, thread] = /^(?:MariaDB|MySQL) thread id (\d+),/m.exec(transaction) ?? []
    return thread === undefined ? [] : [Number(thread)]
  })
  if (threads.length === 0) return []
  const [own] = await boss.query<RowDataPacket[]>(
    `select id from information_schema.processlist where db = database() and id in (${threads})`,
  )
  return own.map(({ id }) => Number(id))
}
