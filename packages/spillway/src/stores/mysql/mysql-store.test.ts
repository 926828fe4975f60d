// The MySQL store passes the contract of all stores, on empty tables each time.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  bareDatabase,
  type MysqlDatabase,
  migratedDatabase,
  TEST_OPTIONS,
} from '../../../test/support/mysql-rig.js'
import { type StoreUnderTest, storeContract, type TableShape } from '../../testing/store-contract/index.js'
import { VirtualClock } from '../../testing/virtual-clock.js'
import { mysql } from './index.js'

storeContract(
  {
    name: 'mysql',
    async make() {
      const subject = underTest(await migratedDatabase(), MISCOUNTED)
      await subject.store.open()
      return subject
    },
    makeBare: async () => underTest(await bareDatabase(), null),
  },
  {
    describe,
    it,
    expect,
    forAll: (property) =>
      fc.assert(fc.asyncProperty(fc.array(fc.nat(0xffff), { maxLength: 200, size: 'max' }), property), {
        numRuns: 4,
        // The seed is enough to find it again, and a shorter way to it would be looked for until the test runs out of time.
        endOnFailure: true,
      }),
  },
)

/** `check` is a query that must find nothing when the test is over. */
function underTest(database: MysqlDatabase, check: string | null): StoreUnderTest {
  const clock = new VirtualClock()
  const stores = [mysql(database.url, { ...TEST_OPTIONS, clock })]
  return {
    store: stores[0] as (typeof stores)[0],
    dropsKeysLate: true,
    now: () => clock.now(),
    advance: (ms) => clock.advance(ms),
    createTable: async (table) => {
      await database.rows(createTableSql(table))
    },
    readTable: (table) => database.rows(`select * from \`${table}\``),
    async reopen() {
      const other = mysql(database.url, { ...TEST_OPTIONS, clock })
      stores.push(other)
      await other.open()
      return other
    },
    async dispose() {
      for (const each of stores) await each.close()
      if (check !== null) expect(await database.rows(check)).toEqual([])
      await database.giveBack()
    },
  }
}

function createTableSql({ name, columns, key }: TableShape): string {
  const types = { text: 'varchar(190) collate utf8mb4_bin', integer: 'bigint' }
  const list = Object.entries(columns).map(([column, type]) => `\`${column}\` ${types[type]}`)
  return `create table \`${name}\` (${list.join(', ')}, primary key (${key.map((column) => `\`${column}\``).join(', ')}))`
}

/** Chunks whose own numbers disagree with what their rows and lists say. */
const MISCOUNTED = `
select * from (
  select chunks.id, open, unsuccessful, live, size, skip, chunks.state,
    count(parked.idx) - count(parked.finished_at) as open_rows,
    coalesce(sum(parked.state in ('failed', 'dead', 'cancelled', 'compensated')), 0) as bad_rows
  from spillway_chunks chunks left join spillway_parked parked on parked.chunk_id = chunks.id
  group by chunks.seq) counted
where open <> open_rows or unsuccessful <> bad_rows
  or (state <> 'done' and live <> size - coalesce(json_length(skip), 0)) or (state = 'done' and live <> 0)`
