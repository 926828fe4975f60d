// Promotion with several maintainers at once, and of much at once.

import { describe, expect, it, onTestFinished } from 'vitest'
import { type MysqlRig, mysqlRig, TEST_OPTIONS } from '../../../test/support/mysql-rig.js'
import type { Lease, ParkedDraft } from '../../domain/index.js'
import type { PromoteRequest } from '../../ports/index.js'
import { mysql } from './index.js'

function scheduled(rig: MysqlRig, delayMs = 1): ParkedDraft {
  return { state: 'scheduled', nextAt: rig.clock.now() + delayMs, attempts: 0, error: null }
}

/** Chunks of scheduled commands; `payloads` of each. */
async function schedule(rig: MysqlRig, chunks: readonly (readonly unknown[])[], options = {}): Promise<void> {
  const parked = scheduled(rig)
  await rig.store.append(
    chunks.map((payloads) => rig.draft({ ...options, payloads, parked: payloads.map(() => parked) })),
  )
  await rig.clock.advance(2)
}

function requestOf(rig: MysqlRig, over: Partial<PromoteRequest> = {}): PromoteRequest {
  return { limit: 1_000, chunkCommandsMax: 1_000, newChunkId: () => rig.draft().id, ...over }
}

async function claimAll(rig: MysqlRig): Promise<readonly Lease[]> {
  return rig.store.claim({
    ...{ queue: 'main', types: ['work'], chunksMax: 1_000, commandsMax: 100_000 },
    ...{ leaseMs: 30_000, workerId: 'rig' },
  })
}

describe('promoting', () => {
  it('moves each command once while four processes promote', async () => {
    const rig = await mysqlRig()
    await schedule(
      rig,
      Array.from({ length: 30 }, (_, chunk) => Array.from({ length: 20 }, (_, n) => [chunk, n])),
    )
    const others = [1, 2, 3].map(() => mysql(rig.database.url, { ...TEST_OPTIONS, clock: rig.clock }))
    for (const other of others) {
      await other.open()
      onTestFinished(() => other.close())
    }
    let moved = 0
    for (let rounds = 0; rounds < 10 && moved < 600; rounds += 1) {
      const counts = await Promise.all(
        [rig.store, ...others].map((store) =>
          store.promote(requestOf(rig, { limit: 70, chunkCommandsMax: 25 })),
        ),
      )
      moved += counts.reduce((sum, count) => sum + count, 0)
    }
    expect(moved).toBe(600)
    const leases = await claimAll(rig)
    const members = leases.flatMap((lease) => lease.members ?? [])
    expect(new Set(members.map(({ id }) => id)).size).toBe(600)
    expect(members).toHaveLength(600)
    const payloads = leases.flatMap(({ body }) => JSON.parse(body) as unknown[])
    expect(new Set(payloads.map((payload) => JSON.stringify(payload))).size).toBe(600)
  })

  it('passes over commands that somebody else holds, without waiting', async () => {
    const rig = await mysqlRig()
    await schedule(rig, [['a'], ['b']])
    const other = await rig.connect()
    await other.query('start transaction')
    await other.query('select * from spillway_parked order by chunk_id limit 1 for update')
    expect(await rig.store.promote(requestOf(rig))).toBe(1)
    await other.query('rollback')
    expect(await rig.store.promote(requestOf(rig))).toBe(1)
  })

  it('takes a bounded number of bytes per call, and everything in the end', async () => {
    const rig = await mysqlRig()
    const large = 'x'.repeat(900_000)
    for (let chunk = 0; chunk < 8; chunk += 1) {
      await schedule(rig, [Array.from({ length: 5 }, (_, n) => `${n}${large}`)])
    }
    const counts: number[] = []
    for (let calls = 0; calls < 8; calls += 1) counts.push(await rig.store.promote(requestOf(rig)))
    expect(Math.max(...counts)).toBeLessThan(40)
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(40)
    expect(await rig.store.promote(requestOf(rig))).toBe(0)
  })

  it('keeps payloads as they were written', async () => {
    const rig = await mysqlRig()
    const payloads = [
      { b: 1, a: 2, 10: 3 },
      1e21,
      0.1,
      -0.5,
      9_007_199_254_740_991,
      'NUL \0, \ud800 alone, \u2028, \\, "quoted"',
      null,
      [[], {}, [null]],
      '😀',
    ]
    await schedule(rig, [payloads])
    await rig.store.promote(requestOf(rig))
    const [lease] = await claimAll(rig)
    expect(lease?.body).toBe(JSON.stringify(payloads))
  })

  it('puts commands of a partition behind what is there already', async () => {
    const rig = await mysqlRig()
    await schedule(rig, [['first']], { partition: 3 })
    await rig.store.append([rig.draft({ payloads: ['second'], partition: 3 })])
    await rig.store.promote(requestOf(rig))
    const [lease] = await claimAll(rig)
    expect(lease?.body).toBe('["second"]')
    expect(await claimAll(rig)).toEqual([])
    const { chunkId, token } = lease as Lease
    await rig.store.settle([{ chunkId, token, updates: [], finished: [], complete: true }])
    expect((await claimAll(rig)).map(({ body }) => body)).toEqual(['["first"]'])
  })

  it('wakes the workers of the queue', async () => {
    const rig = await mysqlRig()
    await schedule(rig, [['a', 'b']])
    const heard: [string, number][] = []
    rig.store.wake.subscribe((queue, commands) => heard.push([queue, commands]))
    await rig.store.promote(requestOf(rig))
    expect(heard).toEqual([['main', 2]])
  })
})
