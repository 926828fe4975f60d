// A database of the first release, with work under way, in the hands of this one; and the first release's statements beside it.

import { describe, expect, it, onTestFinished } from 'vitest'
import { bareDatabase, type MysqlDatabase, TEST_OPTIONS } from '../../../test/support/mysql-rig.js'
import { VirtualClock } from '../../testing/virtual-clock.js'
import { type MysqlStore, mysql } from './index.js'
import { asMigration, MIGRATIONS } from './migrations/index.js'

const clock = new VirtualClock()
const NOW = clock.now()
const READY = '019b76daa80070008000000000000001'
const FAMILY = '019b76daa80070008000000000000002'
const CARRIER = '019b76daa80070008000000000000003'

/** As the first release left it: a ready chunk, a command that rides in a promoted one, and one that is due. */
const LEFT = [
  `insert into spillway_migrations (version, name, serves_from, statements_done, applied_at) values (1, 'foundation', 1, 99, 1)`,
  chunkSql(READY, 'ready', { accepted: 1, live: 1 }),
  chunkSql(FAMILY, 'done', { accepted: 2, open: 2 }),
  chunkSql(CARRIER, 'ready', {
    ...{ live: 1, promoted: 1 },
    members: `'[{"id":"${FAMILY}-0","attempts":2,"acceptedAt":${NOW}}]'`,
  }),
  parkedSql(0, "'promoted', 2, null, (select seq from spillway_chunks where promoted = 1)"),
  parkedSql(1, `'retrying', 1, ${NOW}, null`),
  `insert into spillway_queues (name) values ('main')`,
]

interface Differences {
  readonly accepted?: number
  readonly live?: number
  readonly open?: number
  readonly promoted?: number
  readonly members?: string
}

function chunkSql(id: string, state: string, differences: Differences): string {
  const { accepted = 0, live = 0, open = 0, promoted = 0, members = 'null' } = differences
  const size = promoted === 1 ? 1 : accepted
  const body = JSON.stringify(Array.from({ length: size }, (_, n) => `payload ${n}`))
  return `
insert into spillway_chunks (id, queue, type, priority, precedence, partition_no, codec, state, blocked, promoted, size, accepted,
  live, open, unsuccessful, created_at, ended_at, skip, absent, members, body)
values ('${id}', 'main', 'work', 0, 0, null, 'json', '${state}', 0, ${promoted}, ${size}, ${accepted},
  ${live}, ${open}, 0, ${NOW}, ${NOW}, null, null, ${members}, '${body}')`
}

function parkedSql(index: number, rest: string): string {
  return `
insert into spillway_parked (chunk_id, idx, queue, type, priority, accepted_at, state, attempts, next_at, carrier)
values ('${FAMILY}', ${index}, 'main', 'work', 0, ${NOW}, ${rest})`
}

async function ofFirstRelease(): Promise<MysqlDatabase> {
  const database = await bareDatabase()
  onTestFinished(() => database.giveBack())
  const [first] = (await mysql(database.url, TEST_OPTIONS).schema.state()).pending
  expect(first?.name).toBe('foundation')
  const statements = (first?.sql ?? '')
    .split(/;\n\n?/)
    .filter((part) => /^\s*(--.*\n)?\s*(create|insert ignore)/.test(part))
  for (const statement of [...statements, ...LEFT]) await database.rows(statement)
  return database
}

async function opened(database: MysqlDatabase): Promise<MysqlStore> {
  const store = mysql(database.url, { ...TEST_OPTIONS, clock })
  await expect(store.open()).rejects.toMatchObject({ code: 'store_incompatible' })
  await store.schema.migrate()
  await store.open()
  onTestFinished(() => store.close())
  return store
}

describe('a database of the first release', () => {
  it('goes on where it was', async () => {
    const store = await opened(await ofFirstRelease())
    const request = { limit: 10, chunkCommandsMax: 10, newChunkId: () => `${CARRIER.slice(0, -1)}4` }
    expect(await store.promote(request)).toBe(1)
    expect(await store.reader.accounting()).toMatchObject({ accepted: 3, ready: 3 })
    const leases = await store.claim({
      ...{ queue: 'main', types: ['work'], chunksMax: 10, commandsMax: 10 },
      ...{ leaseMs: 1_000, workerId: 'w' },
    })
    const plain = { memo: null, place: null, orderingKey: null, acceptedAt: NOW }
    expect(leases.map(({ stage, tenant, blockers }) => [stage, tenant, blockers])).toEqual(
      leases.map(() => ['execute', null, null]),
    )
    expect(leases.map(({ members }) => members)).toEqual([
      null,
      [{ ...plain, id: `${FAMILY}-0`, attempts: 2 }],
      [{ ...plain, id: `${FAMILY}-1`, attempts: 1 }],
    ])
    const items = leases.map(({ chunkId, token }) => ({
      chunkId,
      token,
      updates: [],
      finished: [],
      complete: true,
    }))
    expect(await store.settle(items)).toEqual(['ok', 'ok', 'ok'])
    expect(await store.reader.accounting()).toMatchObject({ accepted: 3, succeeded: 3 })
  })

  it('still takes what the first release writes', async () => {
    const database = await ofFirstRelease()
    const store = await opened(database)
    const fresh = `${READY.slice(0, -1)}9`
    await database.rows(chunkSql(fresh, 'ready', { accepted: 1, live: 1 }))
    const [tenant] = await store.readyTenants('main', ['work'], 10)
    expect(tenant).toEqual({ tenant: '', oldestAt: NOW })
    expect(await store.reader.get([`${fresh}-0`], { payload: true })).toMatchObject([
      { state: 'accepted', stage: 'execute', payload: '"payload 0"' },
    ])
  })

  it('is changed while others write', () => {
    const sql = MIGRATIONS.slice(1)
      .map((migration) => asMigration(migration).sql)
      .join()
    expect(sql).not.toMatch(/drop (column|table)|algorithm = copy/)
    expect(MIGRATIONS.every(({ servesFrom }) => servesFrom === 1)).toBe(true)
  })
})
