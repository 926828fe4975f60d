// The two tables of idempotency keys, and their turns.

import { createConnection } from 'mysql2/promise'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type MysqlRig, mysqlRig, TEST_OPTIONS } from '../../../test/support/mysql-rig.js'
import type { AppendVerdict } from '../../domain/index.js'
import { mysql } from './index.js'

const DAY_MS = 86_400_000
const REQUEST = { retentionMs: 1_000 * DAY_MS, failedRetentionMs: 1_000 * DAY_MS, limit: 100 }

async function submit(rig: MysqlRig, keys: readonly string[], windowMs = DAY_MS): Promise<string[]> {
  const payloads = keys.map(() => 'p')
  const [result] = await rig.store.append([rig.draft({ payloads, keys, windowMs })])
  return statusesOf(result?.verdicts ?? null, keys.length)
}

function statusesOf(verdicts: readonly AppendVerdict[] | null, size: number): string[] {
  return verdicts?.map(({ status }) => status) ?? Array.from({ length: size }, () => 'accepted')
}

/** Keys by table. */
async function stored(rig: MysqlRig): Promise<string[][]> {
  const tables = ['spillway_keys_0', 'spillway_keys_1']
  const rows = await Promise.all(
    tables.map((table) =>
      rig.rows(`select convert(idempotency_key using utf8mb4) as k from ${table} order by idempotency_key`),
    ),
  )
  return rows.map((some) => some.map(({ k }) => String(k)))
}

const many = (count: number, prefix: string): string[] =>
  Array.from({ length: count }, (_, n) => `${prefix}-${String(n).padStart(5, '0')}`)

/** Leaves `old` expired in the older table, and `young` valid in the current one. */
async function turnedOnce(old: readonly string[], young: readonly string[]): Promise<MysqlRig> {
  const rig = await mysqlRig()
  await submit(rig, old)
  await rig.store.prune(REQUEST)
  await rig.clock.advance(DAY_MS / 2)
  await submit(rig, young)
  await rig.clock.advance(DAY_MS / 2)
  return rig
}

describe('keys', () => {
  it('stay until all of their table have expired, and then go together', async () => {
    const rig = await turnedOnce(['a', 'b'], ['c'])
    expect(await stored(rig)).toEqual([['a', 'b'], ['c']])
    expect(await rig.store.prune(REQUEST)).toEqual({ chunks: 0, commands: 0, keys: 2 })
    await submit(rig, ['d'])
    expect(await stored(rig)).toEqual([['d'], ['c']])
    await rig.clock.advance(DAY_MS / 2)
    expect(await rig.store.prune(REQUEST)).toMatchObject({ keys: 0 })
    await rig.clock.advance(DAY_MS / 2)
    expect(await rig.store.prune(REQUEST)).toMatchObject({ keys: 1 })
    await submit(rig, ['e'])
    expect(await stored(rig)).toEqual([['d'], ['e']])
  })

  it('are known exactly until they expire, in whichever table they are', async () => {
    const rig = await mysqlRig()
    await submit(rig, ['a'])
    await rig.store.prune(REQUEST)
    await rig.clock.advance(DAY_MS - 1)
    expect(await submit(rig, ['a', 'b'])).toEqual(['duplicate', 'accepted'])
    await rig.clock.advance(1)
    expect(await submit(rig, ['a', 'b'])).toEqual(['accepted', 'duplicate'])
  })

  it('go although nothing new was submitted since', async () => {
    const rig = await mysqlRig()
    await submit(rig, ['a'])
    await rig.store.prune(REQUEST)
    await rig.clock.advance(DAY_MS)
    expect(await rig.store.prune(REQUEST)).toMatchObject({ keys: 1 })
    expect(await rig.store.prune(REQUEST)).toMatchObject({ keys: 0 })
    expect(await stored(rig)).toEqual([[], []])
  })

  it('are kept for the longest window among them', async () => {
    const rig = await mysqlRig()
    await submit(rig, ['short'], 1_000)
    await submit(rig, ['long'], 30 * DAY_MS)
    await submit(rig, ['middle'], DAY_MS)
    await rig.store.prune(REQUEST)
    await rig.clock.advance(30 * DAY_MS - 1)
    expect(await rig.store.prune(REQUEST)).toMatchObject({ keys: 0 })
    expect(await submit(rig, ['short', 'long'])).toEqual(['accepted', 'duplicate'])
    await rig.clock.advance(1)
    expect(await rig.store.prune(REQUEST)).toMatchObject({ keys: 3 })
  })

  it('go at once, however many, when they are more than are deleted one by one', async () => {
    const keys = many(900, 'k')
    const rig = await turnedOnce(keys, ['c'])
    const { keys: removed } = await rig.store.prune(REQUEST)
    expect(removed).toBeGreaterThan(REQUEST.limit)
    expect(await stored(rig)).toEqual([[], ['c']])
    expect(await submit(rig, ['k-00000', 'c'])).toEqual(['accepted', 'duplicate'])
  })
})

describe('a turn', () => {
  it('is made once, however many processes prune', async () => {
    const rig = await turnedOnce(many(50, 'k'), ['c'])
    const others = await Promise.all([1, 2, 3].map(() => another(rig)))
    const reports = await Promise.all([rig.store, ...others].map((store) => store.prune(REQUEST)))
    expect(reports.reduce((sum, { keys }) => sum + keys, 0)).toBe(50)
    expect(await rig.rows('select generation from spillway_key_ring')).toEqual([{ generation: 2 }])
    expect(await submit(rig, ['c'])).toEqual(['duplicate'])
  })

  it('gives a key to one of many that submit while it is made', async () => {
    const rig = await mysqlRig()
    const other = await another(rig)
    for (let round = 0; round < 6; round += 1) {
      const keys = many(20, `round-${round}`)
      await submit(rig, many(150, `filler-${round}`))
      const answers = await Promise.all([
        ...Array.from({ length: 6 }, (_, n) =>
          (n % 2 === 0 ? rig.store : other).append([
            rig.draft({ payloads: keys.map(() => 'p'), keys, windowMs: DAY_MS }),
          ]),
        ),
        rig.store.prune(REQUEST).then(() => []),
        other.prune(REQUEST).then(() => []),
      ])
      const statuses = answers.flatMap(([result]) =>
        result === undefined ? [] : statusesOf(result.verdicts, keys.length),
      )
      expect(statuses.filter((status) => status === 'accepted')).toHaveLength(keys.length)
      await rig.clock.advance(DAY_MS)
    }
    const [{ generation } = {}] = await rig.rows('select generation from spillway_key_ring')
    expect(generation).toBeGreaterThan(1)
  })

  it('deletes some where an application keeps the table open, and never waits for long', async () => {
    const rig = await turnedOnce(many(250, 'k'), ['c'])
    const application = await rig.connect()
    await application.query('start transaction')
    await application.query('select * from spillway_keys_0 limit 1')
    expect(await rig.store.prune(REQUEST)).toMatchObject({ keys: REQUEST.limit })
    expect((await stored(rig))[0]).toHaveLength(150)
    await application.query('commit')
    expect((await rig.store.prune(REQUEST)).keys).toBeGreaterThan(0)
    expect(await stored(rig)).toEqual([[], ['c']])
  })

  it('is put off while an application that submitted keeps its transaction open', async () => {
    const rig = await turnedOnce(['a'], ['c'])
    const application = await rig.connect()
    await application.query('start transaction')
    await application.query('select * from spillway_key_ring lock in share mode')
    expect(await rig.store.prune(REQUEST)).toMatchObject({ keys: 0 })
    expect(await rig.rows('select generation from spillway_key_ring')).toEqual([{ generation: 1 }])
    expect(await submit(rig, ['d'])).toEqual(['accepted'])
    await application.query('commit')
    for (let leftOut = 0; leftOut < 3; leftOut += 1) await rig.store.prune(REQUEST)
    expect(await rig.rows('select generation from spillway_key_ring')).toEqual([{ generation: 2 }])
    expect(await submit(rig, ['d', 'c'])).toEqual(['duplicate', 'duplicate'])
  })

  it('needs no privilege to drop tables: then it deletes', async () => {
    const rig = await turnedOnce(many(150, 'k'), ['c'])
    const store = await asClerk(rig)
    expect(await store.prune(REQUEST)).toMatchObject({ keys: 100 })
    expect(await store.prune(REQUEST)).toMatchObject({ keys: 50 })
    expect(await stored(rig)).toEqual([[], ['c']])
    expect(await rig.rows('select generation from spillway_key_ring')).toEqual([{ generation: 2 }])
  })
})

async function another(rig: MysqlRig) {
  const store = mysql(rig.database.url, { ...TEST_OPTIONS, clock: rig.clock })
  await store.open()
  onTestFinished(() => store.close())
  return store
}

/** The store as a user who may read and write, and nothing else. */
async function asClerk(rig: MysqlRig) {
  const url = new URL(rig.database.url)
  const boss = await createConnection(rig.database.url)
  const name = `clerk_${process.pid}`
  await boss.query(`create user if not exists ${name}@'%' identified by 'secret'`)
  await boss.query(`grant select, insert, update, delete on \`${url.pathname.slice(1)}\`.* to ${name}@'%'`)
  await boss.end()
  url.username = name
  url.password = 'secret'
  const store = mysql(url.href, { ...TEST_OPTIONS, clock: rig.clock })
  await store.open()
  onTestFinished(() => store.close())
  return store
}
