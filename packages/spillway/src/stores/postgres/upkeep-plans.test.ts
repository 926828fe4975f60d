// What promoting, pruning, operators' verbs and reading ask of the database is found by index, however much is stored.

import { requireServer } from 'spillway-test-bed'
import { afterAll, describe, expect, it } from 'vitest'
import { recorded, type Sent } from '../../../test/support/postgres-recorded.js'
import { type PostgresRig, postgresRigs } from '../../../test/support/postgres-rig.js'
import { commandId } from '../../domain/index.js'
import type { TokenCompletion } from '../../ports/index.js'
import type { PostgresStore } from './index.js'

const CHUNKS = 30_000

/** Mostly finished chunks; of one in twenty a command waits, of others it ended badly. Wide rows, so that reading all is dear. */
const FILL = `
insert into @.chunks (id, queue, type, priority, codec, state, blocked, promoted, size, accepted, live, succeeded, open,
  unsuccessful, created_at, ended_at)
select lpad(to_hex(n), 32, '0')::uuid, 'main', 'work', 0, 'json', case when n % 100 = 0 then 'ready' else 'done' end, false, false,
  10, 10, case when n % 100 = 0 then 10 else 0 end, 1, case when n % 20 = 1 then 1 else 0 end,
  case when n % 20 in (2, 3) then 1 else 0 end, 1000 + n, 1000 + n
from generate_series(1, ${CHUNKS}) n;
insert into @.bodies (seq, body) select seq, '[0,1,2,3,4,5,6,7,8,"' || repeat('x', 1000) || '"]' from @.chunks;
insert into @.parked (chunk_id, origin, next_at, accepted_at, finished_at, idx, priority, attempts, state, queue, type, result)
select id, seq, case when seq % 20 = 1 then seq * 1000 end, 1, case when seq % 20 <> 1 then 1 end, i, 0, 1,
  (array['retrying', 'dead', 'cancelled'])[seq % 20], 'main', 'work', repeat('x', 1000)
from @.chunks, generate_series(0, 3) i where seq % 20 in (1, 2, 3);
insert into @.parked (chunk_id, origin, accepted_at, finished_at, idx, priority, attempts, state, queue, type, result)
select id, seq, 1, 1, 9, 0, 1, 'succeeded', 'main', 'work', repeat('x', 1000) from @.chunks;
insert into @.results (seq, idx, result) select seq, 1, repeat('x', 1000) from @.chunks;
update @.parked set fingerprint = 'f' || origin % 50 where state = 'dead';
insert into @.parked (chunk_id, origin, due_at, accepted_at, idx, priority, attempts, state, stage, queue, type, token_hash,
  token_expires_at)
select id, seq, 9999999999999, 1, 8, 0, 1, 'pending', 'poll', 'main', 'work', 't' || seq, 9999999999999 from @.chunks;
vacuum analyze @.chunks, @.bodies, @.parked, @.results`

requireServer(describe, 'postgres')('on a store of many finished chunks', () => {
  const rigs = postgresRigs()

  let shared: Promise<PostgresRig> | null = null
  afterAll(async () => (await shared)?.dispose())

  /** One for all tests: filling it takes a while. */
  function filled(): Promise<PostgresRig> {
    shared ??= rigs().then(async (rig) => {
      for (const statement of FILL.split(';')) await rig.rows(statement)
      return rig
    })
    return shared
  }

  async function scansOf(rig: PostgresRig, { text, values }: Sent): Promise<string[]> {
    const plan = await rig.rows(`explain ${text}`, [...values])
    return plan
      .map((row) => String(row['QUERY PLAN']))
      .filter((line) => /Seq Scan on (chunks|bodies|parked|results)/.test(line))
  }

  it.each<[what: string, (store: PostgresStore) => Promise<unknown>]>([
    ['promote', (store) => store.promote({ limit: 250, chunkCommandsMax: 100, newChunkId: newIds() })],
    ['prune', (store) => store.prune({ retentionMs: 86_400_000, failedRetentionMs: 86_400_000, limit: 500 })],
    ['cancel', (store) => store.control.cancel([idOf(100), idOf(101)])],
    ['redrive', (store) => store.control.redrive([idOf(2), idOf(102), idOf(103)])],
    ['configureQueue', (store) => store.control.configureQueue('main', { paused: true })],
    ['get', (store) => store.reader.get([idOf(1), idOf(102), idOf(29_999)], { payload: true })],
    ['list', (store) => store.reader.list({ limit: 50 })],
    [
      'list further on',
      (store) => store.reader.list({ limit: 50, after: idOf(15_000), queue: 'main', type: 'work' }),
    ],
    ['list of accepted', (store) => store.reader.list({ limit: 50, state: 'accepted' })],
    ['list of succeeded', (store) => store.reader.list({ limit: 50, state: 'succeeded' })],
    ['list of dead', (store) => store.reader.list({ limit: 50, state: 'dead' })],
    [
      'list of dead in a queue',
      (store) => store.reader.list({ limit: 50, state: 'dead', queue: 'main', after: idOf(15_000) }),
    ],
    [
      'list of dead that failed alike',
      (store) => store.reader.list({ limit: 50, state: 'dead', fingerprint: 'f2' }),
    ],
    ['list of pending', (store) => store.reader.list({ limit: 50, state: 'pending' })],
    ['queues', (store) => store.reader.queues()],
    ['error groups', (store) => store.reader.errorGroups({ state: 'dead', limit: 10 })],
    ['waiting', (store) => store.reader.waiting('t77')],
    ['complete', (store) => store.control.complete([completion('t78'), completion('t79')])],
    ['discard', (store) => store.control.discard([idOf(202), idOf(302)])],
    ['edit', (store) => store.control.redrive([idOf(402)], { payloads: ['"edited"'] })],
  ])('%s scans no table', async (_, call) => {
    const rig = await filled()
    const { store, sent } = await recorded(rig)
    await call(store)
    const examined = sent()
    expect(examined.length).toBeGreaterThan(0)
    // A prepared one would keep a plan from when the tables were small.
    const kept = examined.filter(
      ({ text, name }) => name !== undefined && /\.(chunks|bodies|parked|results)\b/.test(text),
    )
    expect(kept).toEqual([])
    for (const statement of examined) expect(await scansOf(rig, statement), statement.text).toEqual([])
  })
})

function completion(tokenHash: string): TokenCompletion {
  return { tokenHash, update: { state: 'succeeded', attempts: 1, delayMs: 0, error: null } }
}

/** Command 0 of the chunk with that number. */
function idOf(chunk: number): string {
  return commandId(chunk.toString(16).padStart(32, '0'), 0)
}

function newIds(): () => string {
  let made = CHUNKS
  return () => {
    made += 1
    return `f${made.toString(16).padStart(31, '0')}`
  }
}
