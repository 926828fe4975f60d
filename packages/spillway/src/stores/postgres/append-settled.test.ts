// Storing chunks as settled, as PostgreSQL does it: one statement with the rows, which waits for nobody's locks for long and knows the
// application's errors from its own.

import { inspect } from 'node:util'
import { requireServer } from 'spillway-test-bed'
import { describe, expect, it, vi } from 'vitest'
import { recorded } from '../../../test/support/postgres-recorded.js'
import { disposing, type PostgresRig, postgresRigs } from '../../../test/support/postgres-rig.js'
import { sessionOn } from '../../../test/support/postgres-session.js'
import type { ChunkDraft } from '../../domain/index.js'
import type { BulkWrite, SettleScope } from '../../ports/index.js'

const LOCK_WAIT_MS = 25
/** Far longer than that, and far shorter than the deadline of a statement. */
const PATIENCE_MS = 15_000
/** After so many repeats at most, a table is known to have them. */
const TRIES_MAX = 8
const ROWS_MAX = 10_000

const CLICKS = 'create table @.clicks (id text primary key, n integer not null, note text unique)'

function clicks(ids: readonly string[], more: Partial<BulkWrite> = {}): BulkWrite {
  const columns = ['id', 'n']
  const rows = [...ids].sort().map((id) => [id, 1])
  return { table: 'clicks', columns, key: ['id'], onConflict: 'ignore', rows, ...more }
}

requireServer(describe, 'postgres')('chunks that are stored as settled', () => {
  const rigs = disposing(postgresRigs({ recycle: true }))

  async function newRig(sql = CLICKS): Promise<PostgresRig> {
    const rig = await rigs()
    await rig.rows(sql)
    return rig
  }

  it('take one statement with their rows, once the table is known', async () => {
    const rig = await newRig()
    const { store, sent } = await recorded(rig)
    const table = `${rig.schema}.clicks`
    await store.appendSettled([rig.draft()], clicks(['a'], { table }))
    const before = sent().length
    const drafts = [rig.draft({ payloads: [1, 2], keys: ['a', null] }), rig.draft({ queue: 'other' })]
    expect(await store.appendSettled(drafts, clicks(['b', 'c', 'd'], { table }))).toBe(rig.clock.now())
    const [statement, ...others] = sent().slice(before)
    expect(others).toEqual([])
    expect(statement?.text).toMatch(/insert into .*clicks.*append_settled_1/s)
    expect(statement?.name).toMatch(/^spillway_\w+$/)
  })

  it('leave what an append and a whole settlement leave, and no more', async () => {
    const rig = await newRig()
    await rig.store.appendSettled([rig.draft({ payloads: [1, 2], keys: ['a', null] })], clicks(['a', 'b']))
    expect(await countsOf(rig)).toEqual({ chunks: 1, bodies: 1, keys: 1, parked: 0, queues: 1, clicks: 2 })
  })

  it('are more than one statement takes: null', async () => {
    const rig = await newRig()
    const ids = Array.from({ length: ROWS_MAX + 1 }, (_, n) => `row ${n}`)
    expect(await rig.store.appendSettled([rig.draft()], clicks(ids))).toBe(null)
    expect(await rig.store.appendSettled([rig.draft()], clicks(ids.slice(1)))).toBe(rig.clock.now())
  })

  describe('and a lock that somebody else holds', () => {
    const LOCKS: readonly (readonly [what: string, sql: string, onConflict: BulkWrite['onConflict']])[] = [
      ['a row that is being changed', "update clicks set n = 9 where id = 'a'", 'update'],
      ['a row that is being inserted', "insert into clicks values ('b', 9)", 'ignore'],
      ['a table that is being changed', 'alter table clicks add column extra text', 'ignore'],
      ['a table that is locked', 'lock table clicks in access exclusive mode', 'ignore'],
      ['a table that is being indexed', 'create index on clicks (n)', 'ignore'],
    ]

    for (const [what, sql, onConflict] of LOCKS) {
      for (const isKnown of [true, false]) {
        it(`give up after the time allowed, with nothing changed: ${what}, ${isKnown ? '' : 'not '}written before`, async () => {
          const rig = await newRig()
          await rig.rows("insert into @.clicks values ('a', 1)")
          if (isKnown)
            for (const id of ['x', 'y'])
              await rig.store.appendSettled([rig.draft()], clicks([id], { onConflict }))
          const session = await sessionOn(rig)
          const before = await countsOf(rig)
          await session.query('begin')
          await session.query(sql)
          const draft = rig.draft({ keys: ['k'] })
          const rows = clicks(['a', 'b'], { onConflict })
          const startedAt = performance.now()
          const answer = await rig.store.appendSettled([draft], rows, { lockWaitMs: LOCK_WAIT_MS })
          expect(performance.now() - startedAt).toBeLessThan(PATIENCE_MS)
          expect(answer).toBe(null)
          await session.query('rollback')
          expect(await countsOf(rig)).toEqual(before)
          expect(await settle(rig, draft, rows)).toBe(rig.clock.now())
        })
      }
    }

    it('is waited for by whoever names no time, and by nobody in vain', async () => {
      const rig = await newRig()
      const session = await sessionOn(rig)
      await session.query('begin')
      await session.query("insert into clicks values ('a', 9)")
      const settling = rig.store.appendSettled([rig.draft()], clicks(['a', 'b']))
      await waitingForLocks(rig, 1)
      await session.query('commit')
      expect(await settling).toBe(rig.clock.now())
      expect(await rig.rows('select id, n from @.clicks order by id')).toEqual([
        { id: 'a', n: 9 },
        { id: 'b', n: 1 },
      ])
    })

    it('leaves no time limit on the connection, whatever came of the call', async () => {
      const rig = await newRig()
      const store = await rig.other({ transactionsMax: 1 })
      const limits: unknown[] = []
      const look = () =>
        store.settleWithin(
          [],
          async ({ tx }: SettleScope<{ query(sql: string): Promise<{ rows: unknown[] }> }>) => {
            limits.push(...(await tx.query('show lock_timeout')).rows)
            return []
          },
        )
      const lockWait = { lockWaitMs: LOCK_WAIT_MS }
      const draft = rig.draft()
      await look()
      expect(await store.appendSettled([draft], clicks(['a']), lockWait)).toBe(rig.clock.now())
      await look()
      expect(await store.appendSettled([draft], clicks(['b']), lockWait)).toBe(null)
      await look()
      const refused = store.appendSettled([rig.draft()], clicks([], { rows: [['c', null]] }), lockWait)
      await expect(refused).rejects.toMatchObject({ fault: 'data' })
      await look()
      expect(limits).toEqual(limits.map(() => ({ lock_timeout: '0' })))
      expect(limits).toHaveLength(4)
    })
  })

  describe('and rows that the table refuses', () => {
    it('says which constraint, and never the value', async () => {
      const rig = await newRig()
      for (const rows of [
        [['secret', null]],
        [['secret', 'no secret number']],
        [['secret', 99_999_999_999]],
      ]) {
        const error: unknown = await rig.store
          .appendSettled([rig.draft()], clicks([], { rows }))
          .catch((thrown: unknown) => thrown)
        expect(error).toMatchObject({ fault: 'data', message: expect.stringContaining('clicks') })
        expect(inspect(error)).not.toMatch(/secret|99999999999/)
      }
      expect(await countsOf(rig)).toEqual(NOTHING)
    })

    it('rejects a row that another unique index refuses, however often repeats were met before', async () => {
      const rig = await newRig()
      await rig.rows("insert into @.clicks values ('a', 1, 'taken')")
      for (const id of ['x', 'y', 'z']) await rig.store.appendSettled([rig.draft()], clicks([id]))
      const before = await countsOf(rig)
      const rows = { columns: ['id', 'n', 'note'], rows: [['b', 1, 'taken']] }
      const answers: unknown[] = []
      for (let tries = 0; tries < TRIES_MAX; tries += 1) {
        const draft = rig.draft({ keys: ['k'] })
        answers.push(
          await rig.store.appendSettled([draft], clicks([], rows)).catch((error: unknown) => error),
        )
      }
      expect(answers.at(-1)).toMatchObject({ fault: 'data', code: '23505' })
      expect(inspect(answers.at(-1))).not.toContain('taken')
      expect(await countsOf(rig)).toEqual(before)
    })

    it('rejects what a constraint finds only at the commit', async () => {
      const rig = await newRig(
        'create table @.clicks (id text primary key, n integer references @.clicks (id_n) initially deferred, id_n integer unique)',
      )
      for (const options of [{}, { lockWaitMs: LOCK_WAIT_MS }])
        await expect(
          rig.store.appendSettled([rig.draft({ keys: ['k'] })], clicks(['a']), options),
        ).rejects.toMatchObject({ fault: 'data', code: '23503' })
      expect(await countsOf(rig)).toEqual(NOTHING)
    })

    it('goes by what a table is now after it was changed', async () => {
      const rig = await newRig()
      await settle(rig, rig.draft(), clicks(['a']))
      await rig.rows('alter table @.clicks rename column n to amount')
      const changed = { fault: 'transient', code: 'store_unavailable' }
      await expect(rig.store.appendSettled([rig.draft()], clicks(['b']))).rejects.toMatchObject(changed)
      const missing = { fault: 'schema', message: expect.stringContaining('no column n') }
      await expect(rig.store.appendSettled([rig.draft()], clicks(['b']))).rejects.toMatchObject(missing)
      const renamed = clicks(['b'], { columns: ['id', 'amount'] })
      expect(await settle(rig, rig.draft(), renamed)).toBe(rig.clock.now())
    })

    it('says that the key needs a unique index', async () => {
      const rig = await newRig('create table @.clicks (id text, n integer)')
      await expect(rig.store.appendSettled([rig.draft()], clicks(['a']))).rejects.toMatchObject({
        ...{ code: 'invalid_argument', fault: 'schema' },
        message: expect.stringContaining('unique index on (id)'),
      })
      expect(await countsOf(rig)).toEqual(NOTHING)
    })
  })

  it('learn from repeats of rows, and nothing from chunks that are known', async () => {
    const rig = await newRig()
    const { store, sent } = await recorded(rig)
    const known = rig.draft()
    const table = `${rig.schema}.clicks`
    await store.appendSettled([known], clicks(['a'], { table }))
    for (let time = 0; time < TRIES_MAX; time += 1)
      expect(await store.appendSettled([known], clicks([`other ${time}`], { table }))).toBe(null)
    await store.appendSettled([rig.draft()], clicks(['b'], { table }))
    expect(sent().at(-1)?.text).not.toContain('on conflict')
    for (let time = 0; time < TRIES_MAX; time += 1)
      await store.appendSettled([rig.draft()], clicks(['b'], { table }))
    expect(sent().at(-1)?.text).toContain('on conflict')
  })

  it('write to tables and columns of any name', async () => {
    const rig = await rigs()
    const session = await sessionOn(rig)
    const [name, id, n] = ['odd @. "$1"', "'@.id'", 'n @.chunks @.']
    const table = `${rig.schema}.${name}`
    const quoted = (raw: string): string => `"${raw.replaceAll('"', '""')}"`
    await session.query(`create table ${quoted(name)} (${quoted(id)} text primary key, ${quoted(n)} integer)`)
    for (const [at, onConflict] of (['ignore', 'update', 'update'] as const).entries()) {
      const rows = [[`row ${at}`, at]]
      const bulk = { table, columns: [id, n], key: [id], onConflict, rows }
      expect(await settle(rig, rig.draft(), bulk)).toBe(rig.clock.now())
    }
    expect((await session.query(`select ${quoted(n)} as n from ${quoted(name)} order by 1`)).rows).toEqual(
      [0, 1, 2].map((value) => ({ n: value })),
    )
  })

  it('whose connection ends in mid-call are in doubt, and an append tells', async () => {
    const rig = await newRig()
    const session = await sessionOn(rig)
    await session.query('begin')
    await session.query("insert into clicks values ('a', 9)")
    const draft = rig.draft({ keys: ['k'] })
    const settling = rig.store.appendSettled([draft], clicks(['a'])).catch((error: unknown) => error)
    const [pid] = await waitingForLocks(rig, 1)
    await rig.rows(`select pg_terminate_backend(${pid})`)
    expect(await settling).toMatchObject({ code: 'store_unavailable', details: { outcome: 'unknown' } })
    await session.query('rollback')
    expect(await countsOf(rig)).toEqual(NOTHING)
    expect(await rig.store.append([draft])).toEqual([{ createdAt: rig.clock.now(), verdicts: null }])
  })
})

const NOTHING = { chunks: 0, bodies: 0, keys: 0, parked: 0, queues: 0, clicks: 0 }

/** What there is, as a connection of nobody sees it. */
async function countsOf(rig: PostgresRig): Promise<Record<string, unknown> | undefined> {
  const tables = ['chunks', 'bodies', 'keys_0', 'parked', 'queues', 'clicks']
  const counts = tables.map(
    (name) => `(select count(*)::integer from @.${name}) as ${name.replace('_0', '')}`,
  )
  return (await rig.rows(`select ${counts.join(', ')}`))[0]
}

/** As often as it takes to learn that rows repeat. */
async function settle({ store }: PostgresRig, draft: ChunkDraft, rows: BulkWrite): Promise<number | null> {
  for (let tries = 1; tries < TRIES_MAX; tries += 1) {
    const answer = await store.appendSettled([draft], rows)
    if (answer !== null) return answer
  }
  return store.appendSettled([draft], rows)
}

/** The server processes that wait for locks of the rig's tables, once there are so many. */
function waitingForLocks(rig: PostgresRig, count: number): Promise<number[]> {
  return vi.waitFor(async () => {
    const waiting = await rig.rows(
      `select pid from pg_stat_activity where wait_event_type = 'Lock' and query like '%append_settled_1%' and query like '%${rig.schema}%'`,
    )
    expect(waiting).toHaveLength(count)
    return waiting.map(({ pid }) => pid as number)
  }, PATIENCE_MS)
}
