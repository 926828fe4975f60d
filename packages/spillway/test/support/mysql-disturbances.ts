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

/** Resolves with its connection's id when a statement of the store waits for a lock. The server looks again only if it was not asked for a moment. */
export async function untilOneWaits(boss: Connection): Promise<number> {
  for (;;) {
    await boss.query('do sleep(0.12)')
    const [rows] = await boss.query<RowDataPacket[]>(
      "select id from information_schema.innodb_trx join information_schema.processlist on id = trx_mysql_thread_id where trx_state = 'LOCK WAIT' and db = database()",
    )
    if (rows[0] !== undefined) return rows[0].id
  }
}
