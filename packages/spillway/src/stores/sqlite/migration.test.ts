// From the last schema before stages to the current one, with a command in every state there was.

import { describe, expect, it } from 'vitest'
import { type SqliteRig, sqliteRig } from '../../../test/support/sqlite-rig.js'
import { commandId, type Lease } from '../../domain/index.js'
import { MIGRATIONS } from './migrations/index.js'

const BEFORE = 3
const STATES = ['scheduled', 'retrying', 'promoted', 'succeeded', 'failed', 'dead', 'cancelled'] as const

function chunkId(number: number): string {
  return number.toString(16).padStart(32, '0')
}

/** What the release before this one would have stored; `seq` is the chunk's number. */
function chunkSql(seq: number, columns: Record<string, string | number | null>): string {
  const all = {
    ...{
      seq,
      id: chunkId(seq),
      queue: 'main',
      type: 'work',
      priority: 0,
      codec: 'json',
      blocked: 0,
      promoted: 0,
    },
    ...{
      size: 1,
      accepted: 1,
      live: 0,
      open: 0,
      unsuccessful: 0,
      created_at: seq,
      ended_at: seq,
      ...columns,
    },
  }
  const values = Object.values(all).map((value) => (typeof value === 'string' ? `'${value}'` : value))
  return `insert into spillway_chunks (${Object.keys(all).join(', ')}) values (${values.map((value) => value ?? 'null').join(', ')});`
}

function rowSql(index: number, state: string): string {
  const due = state === 'scheduled' || state === 'retrying' ? 1_000 : null
  const carrier = state === 'promoted' ? 5 : null
  const ended = due === null && carrier === null ? 7 : null
  const error = state === 'scheduled' ? 'null' : `'{"code":"e","message":"${state}"}'`
  const history = state === 'scheduled' ? 'null' : `'[{"attempt":1,"at":7,"error":null}]'`
  return `insert into spillway_parked (chunk_id, idx, queue, type, priority, state, attempts, next_at, carrier, accepted_at, finished_at, generation, error, history)
    values ('${chunkId(4)}', ${index}, 'main', 'work', 0, '${state}', 1, ${due}, ${carrier}, 4, ${ended}, ${index}, ${error}, ${history});`
}

/** Ready, leased and done chunks, bodies inside and apart, a family with a row in each state, and the chunk that carries one. */
const STORED = [
  chunkSql(1, { state: 'ready', live: 1, body: '["üñî"]' }),
  chunkSql(2, { state: 'ready', live: 2, size: 2, accepted: 2, body: null }),
  `insert into spillway_bodies values (2, '["apart",1]', null);`,
  chunkSql(3, {
    state: 'leased',
    live: 1,
    token: 2,
    leased_by: 'w',
    lease_expires_at: 9e12,
    body: '["held"]',
  }),
  chunkSql(4, {
    state: 'done',
    size: 8,
    accepted: 8,
    succeeded: 1,
    open: 3,
    unsuccessful: 3,
    body: '[0,1,2,3,4,5,6,7]',
  }),
  ...STATES.map((state, index) => rowSql(index, state)),
  chunkSql(5, { state: 'ready', live: 1, accepted: 0, promoted: 1, body: null }),
  `insert into spillway_bodies values (5, '[2]', '[{"id":"${chunkId(4)}-2","attempts":1,"acceptedAt":4}]');`,
].join('\n')

async function migratedRig(): Promise<SqliteRig> {
  const rig = await sqliteRig({ state: 'nothing' })
  const db = rig.connect()
  db.exec(
    'create table spillway_migrations (version integer primary key, name text not null, applied_at integer not null) strict',
  )
  for (const { version, name, sql } of MIGRATIONS.filter((migration) => migration.version <= BEFORE)) {
    db.exec(sql)
    db.prepare('insert into spillway_migrations values (?, ?, 0)').run(version, name)
  }
  db.exec(STORED)
  db.close()
  expect(await rig.store.schema.migrate()).toMatchObject({ current: MIGRATIONS.length, pending: [] })
  await rig.store.open()
  return rig
}

async function claim({ store }: SqliteRig): Promise<readonly Lease[]> {
  return store.claim({
    ...{ queue: 'main', types: ['work'], chunksMax: 10, commandsMax: 1_000, leaseMs: 1_000, workerId: 'w' },
  })
}

describe('migrating from version 3', () => {
  it('keeps every command, its state and what is known about it', async () => {
    const { store, rows } = await migratedRig()
    expect(await store.reader.accounting()).toMatchObject({
      ...{ accepted: 12, ready: 4, running: 1, scheduled: 1, retrying: 1, succeeded: 2 },
      ...{ failed: 1, dead: 1, cancelled: 1, blocked: 0, compensated: 0 },
    })
    const ids = STATES.map((_, index) => commandId(chunkId(4), index))
    const views = await store.reader.get(ids, { payload: true })
    for (const [index, state] of STATES.entries()) {
      const waits = state === 'scheduled' || state === 'retrying'
      expect(views[index], state).toMatchObject({
        ...{
          state: state === 'promoted' ? 'accepted' : state,
          generation: index,
          attempts: 1,
          acceptedAt: 4,
        },
        ...{ stage: 'execute', memo: null, fingerprint: null, payload: String(index) },
        error: state === 'scheduled' ? null : { code: 'e', message: state },
        history: state === 'scheduled' ? [] : [{ attempt: 1, at: 7, error: null }],
        nextAt: waits ? 1_000 : null,
      })
    }
    expect(rows('select id, state from spillway_commands order by id')).toHaveLength(12)
    expect(rows('select seq, idx from spillway_parked')).toEqual(STATES.map((_, idx) => ({ seq: 4, idx })))
  })

  it('knows the bytes of what is waiting', async () => {
    const { store, rows } = await migratedRig()
    const bytes = ['["üñî"]', '["apart",1]', '[2]'].reduce((sum, body) => sum + Buffer.byteLength(body), 0)
    expect(await store.reader.queues()).toMatchObject([{ queue: 'main', ready: 4, readyBytes: bytes }])
    expect(rows('select bytes from spillway_chunks where seq = 3')).toEqual([{ bytes: 8 }])
  })

  it('goes on with what was ready, leased, carried and due', async () => {
    const rig = await migratedRig()
    const leases = await claim(rig)
    expect(leases.map(({ body, stage }) => [body, stage])).toEqual([
      ['["üñî"]', 'execute'],
      ['["apart",1]', 'execute'],
      ['[2]', 'execute'],
    ])
    const member = { id: commandId(chunkId(4), 2), attempts: 1, acceptedAt: 4 }
    expect(leases[2]?.members).toEqual([{ ...member, memo: null, place: null, orderingKey: null }])
    const held = { chunkId: chunkId(3), token: 2 }
    const settled = [held, ...leases].map(({ chunkId: id, token }) => ({
      ...{ chunkId: id, token, updates: [], finished: [], complete: true },
    }))
    expect(await rig.store.settle(settled)).toEqual(['ok', 'ok', 'ok', 'ok'])
    const newChunkId = () => rig.draft().id
    expect(await rig.store.promote({ limit: 10, chunkCommandsMax: 10, newChunkId })).toBe(2)
    expect(await rig.store.reader.accounting()).toMatchObject({
      accepted: 12,
      ready: 2,
      running: 0,
      succeeded: 7,
    })
  })

  it('undoes, redrives and prunes what was over', async () => {
    const { store, clock } = await migratedRig()
    const idOf = (state: (typeof STATES)[number]) => commandId(chunkId(4), STATES.indexOf(state))
    expect(await store.control.redrive([idOf('failed'), idOf('dead')])).toEqual(['ok', 'ok'])
    expect(
      await store.control.cancel([idOf('failed'), idOf('dead'), idOf('scheduled'), idOf('retrying')]),
    ).toEqual(['ok', 'ok', 'ok', 'ok'])
    expect(await store.control.cancel([idOf('promoted')])).toEqual(['ok'])
    await clock.advance(10_000)
    const request = { retentionMs: 1_000, failedRetentionMs: 1_000, limit: 10 }
    expect(await store.prune(request)).toMatchObject({ chunks: 1, commands: 8 })
  })
})
