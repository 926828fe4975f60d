// The PostgreSQL store passes the contract of all stores, on a real server, in a fresh schema each time.

import fc from 'fast-check'
import { requireServer } from 'spillway-test-bed'
import { describe, expect, it } from 'vitest'
import { type PostgresRig, postgresRigs } from '../../../test/support/postgres-rig.js'
import { type StoreUnderTest, storeContract, type TableShape } from '../../testing/store-contract/index.js'

/** Half of what other stores get: every run makes a schema. */
const PROPERTY_RUNS = 4

requireServer(describe, 'postgres')('the PostgreSQL store', () => {
  const rigs = postgresRigs({ recycle: true })
  storeContract(
    {
      name: 'postgres',
      make: async () => underTest(await rigs()),
      makeBare: async () => underTest(await rigs({ state: 'nothing' })),
    },
    {
      describe,
      it,
      expect,
      forAll: (property) =>
        fc.assert(fc.asyncProperty(fc.array(fc.nat(0xffff), { maxLength: 300, size: 'max' }), property), {
          numRuns: PROPERTY_RUNS,
          // The seed is enough to find it again, and a shorter way to it would be looked for until the test runs out of time.
          endOnFailure: true,
        }),
    },
  )
})

function underTest(rig: PostgresRig): StoreUnderTest {
  const { store, clock } = rig
  return {
    store,
    now: () => clock.now(),
    advance: (ms) => clock.advance(ms),
    createTable: async (table) => {
      await rig.rows(createTableSql(table))
    },
    readTable: (table) => rig.rows(`select * from @."${table}"`),
    reopen: () => rig.other(),
    async dispose() {
      expect(await miscounted(rig)).toEqual([])
      await rig.dispose()
    },
  }
}

function createTableSql({ name, columns, key }: TableShape): string {
  const list = Object.entries(columns).map(([column, type]) => `"${column}" ${type}`)
  return `create table @."${name}" (${list.join(', ')}, primary key (${key.map((column) => `"${column}"`).join(', ')}))`
}

/** Chunks whose own numbers disagree with what their rows and lists say. */
async function miscounted(rig: PostgresRig): Promise<unknown[]> {
  const [installed] = await rig.rows(`select to_regclass('@.chunks') is not null as exists`)
  if (installed?.exists !== true) return []
  return rig.rows(`
    select * from (
      select chunks.*,
        (select count(*) from @.parked where parked.chunk_id = chunks.id and finished_at is null) as open_rows,
        (select count(*) from @.parked
          where parked.chunk_id = chunks.id and parked.state in ('failed', 'dead', 'cancelled', 'compensated')) as bad_rows
      from @.chunks
    ) counted
    where open <> open_rows or unsuccessful <> bad_rows
      or (state <> 'done' and live <> size - coalesce(cardinality(skip), 0)) or (state = 'done' and live <> 0)`)
}
