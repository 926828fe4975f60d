// The store's functions find what they need by index, whatever the tables held when they were planned first: plans are kept, and
// one that was made for empty tables would scan full ones.

import pg from 'pg'
import { requireServer } from 'spillway-test-bed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { claimAll, complete, type PostgresRig, postgresRigs } from '../../../test/support/postgres-rig.js'
import type { ChunkDraft, Lease } from '../../domain/index.js'
import { type PostgresStore, postgres } from './index.js'

/** Makes the server report the plan of every statement, those inside functions included. */
const REPORT_PLANS = `
load 'auto_explain';
set auto_explain.log_min_duration = 0;
set auto_explain.log_nested_statements = on;
set client_min_messages = log`

const FILL = `
insert into @.chunks (id, queue, type, priority, codec, state, blocked, promoted, size, accepted, live, created_at, ended_at)
select lpad(to_hex(n), 32, '0')::uuid, 'main', 'other', 0, 'json', case when n % 10 = 0 then 'ready' else 'done' end, false, false,
  1, 1, case when n % 10 = 0 then 1 else 0 end, n, n from generate_series(1, 20000) n;
insert into @.bodies (seq, body) select seq, '["' || repeat('x', 500) || '"]' from @.chunks where type = 'other';
insert into @.parked (chunk_id, origin, accepted_at, idx, priority, attempts, state, queue, type, finished_at)
select id, seq, 1, 0, 0, 1, 'dead', 'main', 'other', 1 from @.chunks where type = 'other';
insert into @.results (seq, idx, result) select seq, 1, '1' from @.chunks where type = 'other';
insert into @.keys_0 (expires_at, idx, chunk_id, key, fingerprint)
select 9999999999999, 0, lpad(to_hex(n), 32, '0')::uuid, 'other' || chr(10) || n, 'f' from generate_series(1, 20000) n;
insert into @.keys_1 select expires_at, idx, chunk_id, key || 'b', fingerprint from @.keys_0 where key like 'other%';
update @.key_ring set other_expires_at = 9999999999999`

requireServer(describe, 'postgres')('plans that were made while the store was empty', () => {
  const rigs = postgresRigs()
  let rig: PostgresRig
  let pool: pg.Pool
  let store: PostgresStore
  let plans: string[] = []

  beforeAll(async () => {
    rig = await rigs()
    // One connection: the plans of the second round are those of the first.
    pool = new pg.Pool({ connectionString: rig.url, max: 1 })
    pool.on('connect', (client) => {
      client.on('notice', ({ message = '' }) => plans.push(message))
      void client.query(REPORT_PLANS)
    })
    store = postgres({ pool, schema: rig.schema, clock: rig.clock, listen: false })
    await store.open()
    await rig.rows('create table @.target (id text primary key, n integer)')
    await everyCall()
    for (const statement of FILL.split(';')) await rig.rows(statement)
  })
  afterAll(async () => {
    await store?.close()
    await pool?.end()
    await rig?.dispose()
  })

  /** Whatever the functions can do, in both of their ways where they have two. */
  async function everyCall(): Promise<void> {
    const { id } = rig.draft()
    const keyed = rig.draft({ payloads: [1, 2, 3], keys: [id, 'b', id] })
    await store.append([keyed, rig.draft({ keys: [keyed.id] })])
    await store.append([keyed, rig.draft({ payloads: [1, 9], keys: [id, 'b'] })], { atomic: true })
    const retrying = { state: 'retrying' as const, nextAt: rig.clock.now() + 10, attempts: 1, error: null }
    await store.append([rig.draft({ partition: 1, parked: [retrying] }), rig.draft({ partition: 1 })])
    await appendLeased(id)
    await appendSettled(id)
    const [first, second, third] = (await claimAll(store)) as [Lease, Lease, Lease]
    await store.extend([quiet(first), { ...quiet(second), cursor: 0 }], 1_000)
    await store.settle([{ ...complete(first), updates: [dying] }, complete(second)])
    await store.extend([{ ...quiet(third), release: true }], 1_000)
    await rig.clock.advance(2_000)
    await store.promote({ limit: 10, chunkCommandsMax: 10, newChunkId: () => rig.draft().id })
    const leases = await claimAll(store)
    await store.settleWithin(leases.slice(0, 1), () => leases.slice(0, 1).map(complete))
    await store.settle(leases.slice(1).map(complete))
  }

  async function appendLeased(known: string): Promise<void> {
    await store.control.configureQueue('limited', { leasesMax: 2 })
    const queue = 'limited'
    const drafts = [
      rig.draft({ queue, payloads: [1, 2], keys: [known, null] }),
      rig.draft({ queue, keys: [known] }),
      rig.draft({ queue, partition: 1 }),
    ]
    const lease = { workerId: 'w', leaseMs: 1_000 }
    const [fresh] = await store.append(drafts, { lease })
    await store.append(drafts, { remember: true })
    expect(await store.settle([complete(fresh?.lease as Lease)])).toEqual(['ok'])
    expect(await store.reader.get([`${drafts[1]?.id}-0`])).toHaveLength(1)
  }

  /** Stored, resent, and declined for a known chunk, for known keys and for a queue that is held back. */
  async function appendSettled(known: string): Promise<void> {
    const drafts = [
      rig.draft({ queue: 'settled', payloads: [1, 2], keys: [`${known} settled`, null] }),
      rig.draft({ queue: 'settled', tenant: 'acme' }),
    ]
    const rows = (name: string) => ({
      ...{ table: `${rig.schema}.target`, columns: ['id', 'n'], key: ['id'], onConflict: 'ignore' as const },
      rows: [1, 2, 3].map((n) => [`${known} ${name} ${n}`, n]),
    })
    expect(await store.appendSettled(drafts, rows('stored'))).toBe(rig.clock.now())
    expect(await store.appendSettled([rig.draft()], rows('waited for'), { lockWaitMs: 1_000 })).not.toBe(null)
    expect((await store.append(drafts)).map(({ verdicts }) => verdicts)).toEqual([null, null])
    for (const declined of [
      drafts[1],
      rig.draft({ payloads: [1, 9], keys: [null, known] }),
      rig.draft({ queue: 'limited' }),
    ])
      expect(await store.appendSettled([declined as ChunkDraft], rows('declined'))).toBe(null)
  }

  it('find everything by index when it is full', async () => {
    plans = []
    await everyCall()
    const scans = plans.filter((plan) =>
      /Seq Scan on \w*\.?(chunks|bodies|parked|results|keys_[01])\b/.test(plan),
    )
    expect(scans).toEqual([])
    expect(plans.length).toBeGreaterThan(50)
    for (const name of [
      'chunks_ready',
      'chunks_leased',
      'chunks_partition',
      'keys_0_key',
      'keys_1_key',
      'parked_carrier',
      'append_settled_1',
    ])
      expect(
        plans.some((plan) => plan.includes(name)),
        name,
      ).toBe(true)
  })
})

const dying = {
  index: 0,
  state: 'dead' as const,
  attempts: 1,
  delayMs: 0,
  error: { code: 'e', message: 'm' },
}

function quiet({ chunkId, token }: Lease) {
  return { chunkId, token, updates: [], finished: [] }
}
