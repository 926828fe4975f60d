// Where very many commands wait for few things, what is asked of the database costs as much as what is answered: a hundred thousand
// commands behind one key, tenants with long queues, priorities that starve others.

import type pg from 'pg'
import { requireServer } from 'spillway-test-bed'
import { describe, expect, it } from 'vitest'
import { recorded, type Sent } from '../../../test/support/postgres-recorded.js'
import { claimAll, disposing, type PostgresRig, postgresRigs } from '../../../test/support/postgres-rig.js'
import { sessionOn } from '../../../test/support/postgres-session.js'
import type { ClaimRequest } from '../../ports/index.js'

const BLOCKED = 100_000
const CROWDED = 20_000

/** All but one of them wait for one command, which is retried much later. */
const BLOCK = `
insert into @.chunks (id, queue, type, priority, partition, codec, state, blocked, promoted, size, accepted, live, open, created_at,
  ended_at)
select lpad(to_hex(n), 32, '0')::uuid, 'main', 'work', 0, 3, 'json', 'done', false, false, 1, 1, 0, 1, 1, 1
from generate_series(1, 2) n;
insert into @.bodies (seq, body) select seq, '[' || repeat('1,', ${BLOCKED}) || '1]' from @.chunks;
insert into @.parked (chunk_id, origin, due_at, accepted_at, idx, priority, partition, attempts, state, ordering_key, queue, type)
select id, seq, 9999999999999, 1, 0, 0, 3, 1, 'retrying', 'crowded', 'main', 'work' from @.chunks order by seq limit 1;
insert into @.parked (chunk_id, origin, accepted_at, idx, priority, partition, attempts, state, ordering_key, queue, type)
select id, seq, 1, n, 0, 3, 0, 'blocked', case when n = 7 then 'free' else 'crowded' end, 'main', 'work'
from (select id, seq from @.chunks order by seq desc limit 1) chunks, generate_series(0, ${BLOCKED}) n;
analyze @.parked`

/** One of three tenants has nearly all chunks; the oldest has a low priority. */
const CROWD = `
insert into @.queues (name) values ('main');
insert into @.chunks (id, queue, type, priority, tenant, codec, state, blocked, promoted, size, accepted, live, created_at, ended_at)
select lpad(to_hex(n), 32, '0')::uuid, 'main', 'work', case when n = 1 then -5 else n % 3 end,
  case when n = ${CROWDED} - 7 then '' when n % 5000 = 9 then 'small' else 'large' end, 'json', 'ready', false, false, 1, 1, 1, n, n
from generate_series(1, ${CROWDED}) n;
insert into @.bodies (seq, body) select seq, '[1]' from @.chunks;
analyze @.chunks`

/** Rows of tables that a statement read; it is undone. */
async function rowsRead(session: pg.Client, { text, values }: Sent): Promise<number> {
  await session.query('begin')
  try {
    await session.query(text, [...values])
    const { rows } = await session.query(`
      select sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::integer as read from pg_stat_xact_user_tables
      where schemaname = current_schema()`)
    return (rows[0] as { read: number }).read
  } finally {
    await session.query('rollback')
  }
}

async function filled(rig: PostgresRig, sql: string): Promise<void> {
  for (const statement of sql.split(';')) await rig.rows(statement)
}

requireServer(describe, 'postgres')('a crowd', () => {
  const rigs = disposing(postgresRigs())

  /** What the call's statements read, the most expensive of them; chunks cannot be stored once more. */
  async function dearest(rig: PostgresRig, sent: readonly Sent[]): Promise<number> {
    const session = await sessionOn(rig)
    const reads: number[] = []
    for (const statement of sent) {
      if (!/insert into \S+\.chunks/.test(statement.text)) reads.push(await rowsRead(session, statement))
    }
    return Math.max(...reads)
  }

  it('behind one key costs nothing while nobody of it may go', async () => {
    const rig = await rigs()
    await filled(rig, BLOCK)
    const { store, sent } = await recorded(rig)
    const request = { limit: 100, chunkCommandsMax: 100, newChunkId: () => rig.draft().id }
    expect(await store.promote(request)).toBe(1)
    expect(await dearest(rig, sent())).toBeLessThan(200)
    expect(await rig.rows(`select ordering_key from @.parked where state = 'promoted'`)).toEqual([
      { ordering_key: 'free' },
    ])
  })

  it('behind one key goes in bounded steps, in order, once it may', async () => {
    const rig = await rigs()
    await filled(rig, BLOCK)
    await rig.rows(`update @.parked set state = 'cancelled', due_at = null where state = 'retrying'`)
    const { store, sent } = await recorded(rig)
    const request = { limit: 100, chunkCommandsMax: 100, newChunkId: () => rig.draft().id }
    expect(await store.promote(request)).toBe(51)
    expect(await dearest(rig, sent())).toBeLessThan(2_000)
    const moved = await rig.rows(
      `select ordering_key, count(*)::integer, max(idx) as last from @.parked where state = 'promoted' group by 1 order by 1`,
    )
    expect(moved, 'each key has its share').toEqual([
      { ordering_key: 'crowded', count: 50, last: 50 },
      { ordering_key: 'free', count: 1, last: 7 },
    ])
  })

  it('that is blocked does not slow down who claims from its partition', async () => {
    const rig = await rigs()
    await filled(rig, BLOCK)
    await rig.store.append([rig.draft({ partition: 3 })])
    const { store, sent } = await recorded(rig)
    const [lease] = await claimAll(store)
    expect(lease?.blockers).toEqual([
      { orderingKey: 'crowded', place: [expect.any(Number), 0] },
      { orderingKey: 'free', place: [expect.any(Number), 7] },
    ])
    await rig.rows(`update @.chunks set state = 'ready' where state = 'leased'`)
    expect(await dearest(rig, sent())).toBeLessThan(50)
  })

  it('of chunks is not read to find who has some', async () => {
    const rig = await rigs()
    await filled(rig, CROWD)
    const { store, sent } = await recorded(rig)
    expect(await store.readyTenants('main', ['work', 'other'], 10)).toEqual([
      { tenant: 'large', oldestAt: 1 },
      { tenant: 'small', oldestAt: 9 },
      { tenant: '', oldestAt: CROWDED - 7 },
    ])
    expect(await dearest(rig, sent())).toBeLessThan(100)
  })

  it.each<[what: string, more: Partial<ClaimRequest>, oldest: number]>([
    ['the oldest', { oldestFirst: true }, 1],
    ['the oldest of a tenant', { oldestFirst: true, tenant: 'small' }, 9],
    ['the first of a tenant', { tenant: '' }, CROWDED - 7],
    ['the best', {}, 2],
  ])('of chunks is not read to find %s', async (_, more, oldest) => {
    const rig = await rigs()
    await filled(rig, CROWD)
    const { store, sent } = await recorded(rig)
    const limits = { chunksMax: 1, commandsMax: 10, leaseMs: 1_000, workerId: 'w' }
    const [lease] = await store.claim({ queue: 'main', types: ['work', 'other'], ...limits, ...more })
    expect(lease?.createdAt).toBe(oldest)
    expect(await dearest(rig, sent())).toBeLessThan(200)
  })
})
