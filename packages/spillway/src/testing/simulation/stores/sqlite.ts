// The SQLite store, simulated: a file of its own per world, in a temporary folder.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../../runtime/index.js'
import { loadSqlite, type SqliteDatabase, type SqliteTx, sqlite } from '../../../stores/sqlite/index.js'
import type { SimulatedStores } from './simulated-store.js'
import { createTableSql, insertSql, quoted, type SqlWords } from './sql.js'

const WORDS: SqlWords = { quote: '"', text: 'text', integer: 'integer' }

export async function sqliteStores(): Promise<SimulatedStores> {
  const { DatabaseSync } = await loadSqlite()
  const folder = await mkdtemp(join(tmpdir(), 'spillway-simulation-'))
  let files = 0

  function using<T>(path: string, work: (db: SqliteDatabase) => T): T {
    const db = new DatabaseSync(path)
    try {
      return work(db)
    } finally {
      db.close()
    }
  }

  return {
    name: 'sqlite',
    async make(clock, tables) {
      files += 1
      const path = join(folder, `world-${files}.db`)
      const store = sqlite(path, {
        synchronous: 'normal',
        clock: { ...systemClock, now: () => clock.now() },
      })
      await store.schema.migrate()
      await store.open()
      using(path, (db) => {
        for (const table of tables) db.exec(createTableSql(table, WORDS))
      })
      return {
        store,
        isOutside: true,
        insert(tx, table, row) {
          ;(tx as SqliteTx)
            .prepare(insertSql(table, Object.keys(row), WORDS, () => '?'))
            .run(...Object.values(row))
        },
        readTable: async (table) =>
          using(path, (db) =>
            db.prepare(`select * from ${quoted(table, WORDS)} order by 1`).all(),
          ) as Readonly<Record<string, unknown>>[],
        async dispose() {
          await store.close()
          for (const end of ['', '-wal', '-shm']) await rm(`${path}${end}`, { force: true })
        },
      }
    },
    close: () => rm(folder, { recursive: true, force: true }),
  }
}
