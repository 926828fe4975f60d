// Many workers on one queue: each chunk goes to one of them, limits hold, and nobody waits.

import { describe, expect, it } from 'vitest'
import { complete, type MysqlRig, mysqlRig } from '../../../test/support/mysql-rig.js'
import type { Lease } from '../../domain/index.js'
import type { ClaimRequest } from '../../ports/index.js'

function claim({ store }: MysqlRig, request: Partial<ClaimRequest> = {}): Promise<readonly Lease[]> {
  return store.claim({
    ...{ queue: 'main', types: ['work'], chunksMax: 4, commandsMax: 100, leaseMs: 30_000, workerId: 'w' },
    ...request,
  })
}

async function store(rig: MysqlRig, count: number, options: { partition?: number } = {}): Promise<void> {
  await rig.store.append(Array.from({ length: count }, () => rig.draft(options)))
}

describe('claims at the same time', () => {
  it('share the chunks without giving one twice, and leave none behind', async () => {
    const rig = await mysqlRig({ poolSize: 8 })
    await store(rig, 60)
    const given: Lease[] = []
    for (let rounds = 0; given.length < 60 && rounds < 50; rounds += 1) {
      given.push(...(await Promise.all(Array.from({ length: 8 }, () => claim(rig)))).flat())
    }
    expect(new Set(given.map(({ chunkId }) => chunkId)).size).toBe(60)
    expect(given.map(({ token }) => token)).toEqual(given.map(() => 1))
  })

  it('on a queue with a limit never lease more than it allows', async () => {
    const rig = await mysqlRig({ poolSize: 8 })
    await store(rig, 40)
    await rig.store.control.configureQueue('main', { leasesMax: 5 })
    for (let rounds = 0; rounds < 6; rounds += 1) {
      const leases = (await Promise.all(Array.from({ length: 8 }, () => claim(rig)))).flat()
      const [counted] = await rig.rows(
        "select count(*) as leased from spillway_chunks where state = 'leased'",
      )
      expect(counted).toEqual({ leased: 5 })
      expect(leases).toHaveLength(5)
      await rig.store.settle(leases.map(complete))
    }
  })

  it('of one partition get its oldest chunk, once, while more are added and ended', async () => {
    const rig = await mysqlRig({ poolSize: 8 })
    const seen: string[] = []
    const adding = Promise.all(
      Array.from({ length: 30 }, () => rig.store.append([rig.draft({ partition: 7 })])),
    )
    for (let rounds = 0; seen.length < 30 && rounds < 10_000; rounds += 1) {
      const leases = (await Promise.all([claim(rig), claim(rig), claim(rig)])).flat()
      expect(leases.length).toBeLessThan(2)
      seen.push(...leases.map(({ chunkId }) => chunkId))
      if (leases.length > 0) await rig.store.settle(leases.map(complete))
    }
    await adding
    const order = await rig.rows('select id from spillway_chunks order by seq')
    expect(seen).toEqual(order.map(({ id }) => id))
  })
})

describe('a chunk that another transaction has locked', () => {
  it('is passed over, not waited for', async () => {
    const rig = await mysqlRig()
    await store(rig, 2)
    const other = await rig.connect()
    await other.beginTransaction()
    await other.query('select seq from spillway_chunks order by seq limit 1 for update')
    expect(await claim(rig)).toHaveLength(1)
    await other.rollback()
    expect(await claim(rig)).toHaveLength(1)
  })
})

describe('many chunks that are settled together', () => {
  it('are settled in one transaction, ordered and promoted ones too', async () => {
    const rig = await mysqlRig()
    await store(rig, 3)
    await store(rig, 1, { partition: 1 })
    await store(rig, 1, { partition: 2 })
    const parked = [{ state: 'scheduled', nextAt: rig.clock.now(), attempts: 0, error: null }] as const
    await rig.store.append([rig.draft({ parked })])
    await rig.store.promote({ limit: 9, chunkCommandsMax: 9, newChunkId: () => rig.draft().id })
    const leases = await claim(rig, { chunksMax: 100 })
    expect(leases).toHaveLength(6)
    const gone = { ...complete(leases[0] as Lease), token: 9 }
    expect(await rig.store.settle([gone, ...leases.map(complete)])).toEqual([
      'stale',
      ...leases.map(() => 'ok'),
    ])
    expect(await rig.store.reader.accounting()).toMatchObject({ accepted: 6, succeeded: 6, running: 0 })
  })
})
