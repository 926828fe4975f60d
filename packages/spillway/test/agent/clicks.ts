// The application's own table, looked at from outside: a row per effect.

import { loadSqlite, type SqliteClient } from '../../src/stores/sqlite/client.js'

const { DatabaseSync }: SqliteClient = await loadSqlite()

export interface Clicks {
  count(): number
  /** Commands with more than one effect. */
  doubled(): number
  close(): void
}

export function openClicks(path: string): Clicks {
  const db = new DatabaseSync(path, { timeout: 20_000 })
  db.exec('create table if not exists clicks (n integer, place integer)')
  const single = (sql: string): number => (db.prepare(sql).get() as { count: number }).count
  return {
    count: () => single('select count(*) as count from clicks'),
    doubled: () =>
      single('select count(*) as count from (select 1 from clicks group by n, place having count(*) > 1)'),
    close: () => db.close(),
  }
}
