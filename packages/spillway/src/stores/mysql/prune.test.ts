// Pruning in bounded steps, beside others.

import type { Connection } from 'mysql2/promise'
import { describe, expect, it, onTestFinished } from 'vitest'
import { untilOneWaits } from '../../../test/support/mysql-disturbances.js'
import { type MysqlRig, mysqlRig, TEST_OPTIONS } from '../../../test/support/mysql-rig.js'
import type { Lease } from '../../domain/index.js'
import type { PruneReport } from '../../ports/index.js'
import { mysql } from './index.js'

const DAY_MS = 86_400_000
const REQUEST = { retentionMs: 1, failedRetentionMs: 1, limit: 500 }

async function complete(rig: MysqlRig, lease: Lease): Promise<void> {
  const { chunkId, token } = lease
  await rig.store.settle([{ chunkId, token, updates: [], finished: [], complete: true }])
}

/** A finished chunk with a dead command. */
async function dead(rig: MysqlRig): Promise<string> {
  const { chunkId, token } = await rig.lease({ payloads: ['a', 'b'] })
  const error = { code: 'e', message: 'm' }
  const updates = [{ index: 0, state: 'dead', attempts: 1, delayMs: 0, error } as const]
  await rig.store.settle([{ chunkId, token, updates, finished: [], complete: true }])
  return chunkId
}

describe('pruning', () => {
  it('removes a bounded number of commands per call, and all of them in the end', async () => {
    const rig = await mysqlRig()
    const payloads = Array.from({ length: 900 }, (_, n) => n)
    for (let n = 0; n < 20; n += 1) await complete(rig, await rig.lease({ payloads }))
    await rig.clock.advance(DAY_MS)
    expect(await rig.store.prune(REQUEST)).toEqual({ chunks: 11, commands: 9_900, keys: 0 })
    expect(await rig.store.prune(REQUEST)).toEqual({ chunks: 9, commands: 8_100, keys: 0 })
    expect(await rig.store.prune(REQUEST)).toEqual({ chunks: 0, commands: 0, keys: 0 })
  })

  it('leaves nothing of a family', async () => {
    const rig = await mysqlRig()
    await dead(rig)
    const { chunkId, token } = await rig.lease({ payloads: ['c'] })
    const updates = [
      { index: 0, state: 'succeeded', attempts: 1, delayMs: 0, error: null, result: '"r"' } as const,
    ]
    await rig.store.settle([{ chunkId, token, updates, finished: [], complete: true }])
    await rig.clock.advance(DAY_MS)
    expect(await rig.store.prune(REQUEST)).toMatchObject({ chunks: 2, commands: 3 })
    for (const table of ['chunks', 'parked', 'results']) {
      expect(await rig.rows(`select count(*) as n from spillway_${table}`)).toEqual([{ n: 0 }])
    }
  })

  it('passes over families that another maintainer is removing, without waiting', async () => {
    const rig = await mysqlRig()
    const first = await dead(rig)
    await dead(rig)
    await rig.clock.advance(DAY_MS)
    const other = await rig.connect()
    await other.query('start transaction')
    await other.query(
      `select * from spillway_chunks force index (spillway_chunks_id) where id = '${first}' for update`,
    )
    expect(await rig.store.prune(REQUEST)).toMatchObject({ chunks: 1 })
    await other.query('rollback')
    expect(await rig.store.prune(REQUEST)).toMatchObject({ chunks: 1 })
  })

  it('removes each family once, however many prune at once', async () => {
    const rig = await mysqlRig()
    for (let n = 0; n < 30; n += 1) await dead(rig)
    await rig.clock.advance(DAY_MS)
    const reports = await Promise.all(
      Array.from({ length: 4 }, () => rig.store.prune({ ...REQUEST, limit: 12 })),
    )
    const removed = reports.reduce((sum, { chunks }) => sum + chunks, 0)
    const [{ n } = {}] = await rig.rows('select count(*) as n from spillway_chunks')
    expect(removed + Number(n)).toBe(30)
    expect(removed).toBeGreaterThan(11)
  })

  it('takes less at a time after it was in the way of others, and gets over it', async () => {
    const rig = await mysqlRig()
    const chunkIds: string[] = []
    for (let n = 0; n < 25; n += 1) chunkIds.push(await dead(rig))
    await rig.clock.advance(DAY_MS)
    const other = await holding(rig, chunkIds[7])
    const step = (): Promise<PruneReport> => rig.store.prune({ ...REQUEST, limit: 8 })
    const first = step()
    await Promise.race([first, endWaitingStatement(other)])
    const steps = [(await first).chunks]
    await other.query('rollback')
    for (let call = 0; call < 5; call += 1) steps.push((await step()).chunks)
    expect(steps).toEqual([4, 4, 4, 4, 8, 1])
  })

  it('leaves what it could not remove in time to a later call: the server still holds it', async () => {
    const rig = await mysqlRig()
    const hasty = mysql(rig.database.url, { ...TEST_OPTIONS, clock: rig.clock, queryTimeout: 4_000 })
    await hasty.open()
    onTestFinished(() => hasty.close())
    const chunkId = await dead(rig)
    await rig.clock.advance(DAY_MS)
    const other = await holding(rig, chunkId)
    expect(await hasty.prune({ ...REQUEST, limit: 8 })).toMatchObject({ chunks: 0 })
    await other.query('rollback')
  })
})

/** Another program that has a dead command of the chunk locked. */
async function holding(rig: MysqlRig, chunkId = ''): Promise<Connection> {
  const other = await rig.connect()
  await other.query('start transaction')
  const [rows] = await other.query(`select * from spillway_parked where chunk_id = '${chunkId}' for update`)
  expect(rows).toHaveLength(1)
  return other
}

async function endWaitingStatement(boss: Connection): Promise<void> {
  await boss.query(`kill query ${await untilOneWaits(boss)}`)
}
