// The SQLite store passes the contract of all stores, on a fresh file each time: a copy of one that was migrated once.

import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type StoreUnderTest, storeContract, type TableShape } from '../../testing/store-contract/index.js'
import { VirtualClock } from '../../testing/virtual-clock.js'
import { loadSqlite, type SqliteDatabase, sqlite } from './index.js'

let first: { readonly folder: string; readonly path: string }

beforeAll(async () => {
  first = await newPlace()
  const store = sqlite(first.path)
  await store.schema.migrate()
  await store.close()
})
afterAll(() => rm(first.folder, { recursive: true }))

storeContract(
  { name: 'sqlite', make: async () => fresh(true), makeBare: async () => fresh(false) },
  {
    describe,
    it,
    expect,
    forAll: (property) =>
      fc.assert(fc.asyncProperty(fc.array(fc.nat(0xffff), { maxLength: 300, size: 'max' }), property), {
        numRuns: 8,
        // The seed is enough to find it again, and a shorter way to it would be looked for until the test runs out of time.
        endOnFailure: true,
      }),
  },
)

async function fresh(ready: boolean): Promise<StoreUnderTest> {
  const { DatabaseSync } = await loadSqlite()
  const { folder, path } = await newPlace()
  if (ready) await copyFile(first.path, path)
  const clock = new VirtualClock()
  const stores = [sqlite(path, { clock })]
  const [store] = stores as [(typeof stores)[0]]
  if (ready) await store.open()
  return {
    store,
    now: () => clock.now(),
    advance: (ms) => clock.advance(ms),
    createTable(table) {
      const db = new DatabaseSync(path)
      db.exec(createTableSql(table))
      db.close()
    },
    async readTable(table) {
      const db = new DatabaseSync(path)
      const rows = db.prepare(`select * from "${table}"`).all()
      db.close()
      return rows.map((row) => ({ ...(row as Record<string, unknown>) }))
    },
    async reopen() {
      const other = sqlite(path, { clock })
      stores.push(other)
      await other.open()
      return other
    },
    async dispose() {
      for (const each of stores) await each.close()
      if (ready) expect(miscounted(new DatabaseSync(path))).toEqual([])
      await rm(folder, { recursive: true })
    },
  }
}

async function newPlace(): Promise<{ folder: string; path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'spillway-sqlite-'))
  return { folder, path: join(folder, 'store.db') }
}

function createTableSql({ name, columns, key }: TableShape): string {
  const list = Object.entries(columns).map(([column, type]) => `"${column}" ${type}`)
  return `create table "${name}" (${list.join(', ')}, primary key (${key.map((column) => `"${column}"`).join(', ')}))`
}

/** Chunks whose own numbers disagree with what their rows and lists say. */
function miscounted(db: SqliteDatabase): unknown[] {
  const rows = db
    .prepare(`
      select id, open, unsuccessful, live, size, skip, state,
        (select count(*) from spillway_parked where chunk_id = id and finished_at is null) as open_rows,
        (select count(*) from spillway_parked where chunk_id = id and spillway_parked.state in ('failed', 'dead', 'cancelled', 'compensated')) as bad_rows
      from spillway_chunks
      where open <> open_rows or unsuccessful <> bad_rows
        or (state <> 'done' and live <> size - coalesce(json_array_length(skip), 0)) or (state = 'done' and live <> 0)`)
    .all()
  db.close()
  return rows
}
