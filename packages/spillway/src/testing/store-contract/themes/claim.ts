// Claim: who gets which chunk, in what order, and that nobody else has it meanwhile (I5, I7).

import { LEASE_MS } from '../scene.js'
import { needsReopen, type Suite, type Theme } from '../suite.js'

export const claimTheme: Theme = {
  name: 'claim',
  define(suite) {
    leasing(suite)
    choosing(suite)
    expiring(suite)
  },
}

function leasing({ test }: Suite): void {
  test('gives a chunk with everything a worker needs', async (scene) => {
    const { expect } = scene
    const { chunkId, createdAt } = await scene.submit({ payloads: ['a', 'b'], priority: 3 })
    await scene.advance(500)
    const { token, ...lease } = await scene.claimOne()
    expect(lease).toEqual({
      chunkId,
      queue: 'main',
      type: 'work',
      priority: 3,
      partition: null,
      tenant: null,
      stage: 'execute',
      blockers: null,
      codec: 'json',
      body: '["a","b"]',
      size: 2,
      skip: [],
      members: null,
      expiries: 0,
      cursor: null,
      createdAt,
    })
    expect(token).toBeGreaterThan(0)
  })

  test('shows the commands of a leased chunk as running', async (scene) => {
    const { ids } = await scene.submit({ size: 2 })
    await scene.claimOne()
    scene.expect(await scene.states(ids)).toEqual(['running', 'running'])
  })

  test('gives a chunk to one worker only, however many ask at once', async (scene) => {
    const { expect } = scene
    const submitted = await scene.append(Array.from({ length: 20 }, () => scene.draft()))
    const claims = await Promise.all(
      Array.from({ length: 10 }, (_, n) => scene.claim({ workerId: `w${n}`, chunksMax: 3 })),
    )
    const chunkIds = claims.flat().map((lease) => lease.chunkId)
    expect([...chunkIds].sort()).toEqual(submitted.map(({ chunkId }) => chunkId).sort())
  })

  test('answers with nothing when nothing is there', async (scene) => {
    const { expect } = scene
    expect(await scene.claim()).toEqual([])
    await scene.submit({ queue: 'elsewhere' })
    expect(await scene.claim()).toEqual([])
    expect(await scene.claim({ queue: 'never heard of' })).toEqual([])
    expect(await scene.claim({ queue: 'elsewhere', types: [] })).toEqual([])
  })

  test(
    'gives a chunk to one worker only when workers of two processes ask',
    async (scene) => {
      const { expect, subject } = scene
      const other = await subject.reopen?.()
      await scene.append(Array.from({ length: 30 }, () => scene.draft()))
      const request = {
        queue: 'main',
        types: ['work'],
        chunksMax: 2,
        commandsMax: 10,
        leaseMs: LEASE_MS,
        workerId: 'w',
      }
      const claims = await Promise.all(
        Array.from({ length: 16 }, (_, n) => (n % 2 === 0 ? scene.store : other)?.claim(request) ?? []),
      )
      const chunkIds = claims.flat().map((lease) => lease.chunkId)
      expect(new Set(chunkIds).size).toBe(30)
      expect(chunkIds).toHaveLength(30)
    },
    needsReopen,
  )
}

function choosing({ test }: Suite): void {
  test('goes by priority, and by commit order within one', async (scene) => {
    const { expect } = scene
    const priorities = [0, 5, -3, 5, 0, -100, 100]
    const submitted = await scene.append(priorities.map((priority) => scene.draft({ priority })))
    const expected = [6, 1, 3, 0, 4, 2, 5].map((at) => submitted[at]?.chunkId)
    expect((await scene.claim()).map((lease) => lease.chunkId)).toEqual(expected)
  })

  test('goes by commit order, not by the order of the ids', async (scene) => {
    const { expect } = scene
    const [early, late] = [scene.newChunkId(), scene.newChunkId()]
    await scene.submit({ id: late })
    await scene.submit({ id: early })
    expect((await scene.claim({ chunksMax: 1 }))[0]?.chunkId).toBe(late)
    expect((await scene.claim({ chunksMax: 1 }))[0]?.chunkId).toBe(early)
  })

  test('mixes the types a worker asks for in one order, and leaves the others alone (I22)', async (scene) => {
    const { expect } = scene
    const types = ['a', 'b', 'c', 'a', 'b']
    const submitted = await scene.append(types.map((type) => scene.draft({ type })))
    const leases = await scene.claim({ types: ['b', 'a'] })
    expect(leases.map((lease) => lease.chunkId)).toEqual([0, 1, 3, 4].map((at) => submitted[at]?.chunkId))
    expect(await scene.states(submitted[2]?.ids ?? [])).toEqual(['accepted'])
  })

  test('gives at most chunksMax chunks and leaves the rest', async (scene) => {
    const { expect } = scene
    await scene.append(Array.from({ length: 5 }, () => scene.draft()))
    expect(await scene.claim({ chunksMax: 2 })).toHaveLength(2)
    expect(await scene.claim({ chunksMax: 2 })).toHaveLength(2)
    expect(await scene.claim({ chunksMax: 2 })).toHaveLength(1)
  })

  test('stops adding chunks once commandsMax commands are claimed', async (scene) => {
    const { expect } = scene
    await scene.append(Array.from({ length: 5 }, () => scene.draft({ size: 10 })))
    expect(await scene.claim({ commandsMax: 20 })).toHaveLength(2)
  })

  test('gives the first chunk even when it alone has more than commandsMax commands', async (scene) => {
    const { expect } = scene
    await scene.append([scene.draft({ size: 50 }), scene.draft({ size: 50 })])
    expect(await scene.claim({ commandsMax: 10 })).toHaveLength(1)
    expect(await scene.claim({ commandsMax: 1 })).toHaveLength(1)
  })

  test('claims nothing from a paused queue, which still accepts, until it is resumed', async (scene) => {
    const { expect, store } = scene
    await store.control.configureQueue('main', { paused: true })
    await scene.submit()
    await scene.submit({ queue: 'elsewhere' })
    expect(await scene.claim()).toEqual([])
    expect(await scene.claim({ queue: 'elsewhere' })).toHaveLength(1)
    await store.control.configureQueue('main', { paused: false })
    expect(await scene.claim()).toHaveLength(1)
  })
}

function expiring({ test }: Suite): void {
  test('leaves a leased chunk to its holder until the lease is over by its own clock', async (scene) => {
    const { expect } = scene
    await scene.submit()
    await scene.claimOne({ leaseMs: 10_000 })
    await scene.advance(9_999)
    expect(await scene.claim()).toEqual([])
    await scene.advance(2)
    expect(await scene.claim()).toHaveLength(1)
  })

  test('gives an expired chunk again with a larger token and one expiry more', async (scene) => {
    const { expect } = scene
    const { chunkId } = await scene.submit({ size: 2 })
    let before = await scene.claimOne()
    for (const expiries of [1, 2, 3]) {
      await scene.advance(LEASE_MS + 1)
      const lease = await scene.claimOne({ workerId: `worker-${expiries}` })
      expect(lease).toMatchObject({ chunkId, expiries, skip: [] })
      expect(lease.token).toBeGreaterThan(before.token)
      before = lease
    }
  })

  test('takes an expired chunk in its old place of the order', async (scene) => {
    const { expect } = scene
    const first = await scene.submit()
    await scene.claimOne()
    const urgent = await scene.submit({ priority: 1 })
    const later = await scene.submit()
    await scene.advance(LEASE_MS + 1)
    expect((await scene.claim()).map((lease) => lease.chunkId)).toEqual([
      urgent.chunkId,
      first.chunkId,
      later.chunkId,
    ])
  })

  test('does not reclaim an expired chunk for a worker without a handler of its type (I22)', async (scene) => {
    const { expect } = scene
    await scene.submit({ type: 'a' })
    await scene.claimOne({ types: ['a'] })
    await scene.advance(LEASE_MS + 1)
    expect(await scene.claim({ types: ['b'] })).toEqual([])
    expect(await scene.claimOne({ types: ['a'] })).toMatchObject({ expiries: 1 })
  })

  test('lets one of many reclaim an expired chunk (I17)', async (scene) => {
    const { expect } = scene
    await scene.submit()
    await scene.claimOne()
    await scene.advance(LEASE_MS + 1)
    const claims = await Promise.all(Array.from({ length: 8 }, (_, n) => scene.claim({ workerId: `w${n}` })))
    expect(claims.flat()).toHaveLength(1)
    expect(claims.flat()[0]).toMatchObject({ expiries: 1 })
  })

  test('does not reclaim from a paused queue', async (scene) => {
    const { expect, store } = scene
    await scene.submit()
    await scene.claimOne()
    await store.control.configureQueue('main', { paused: true })
    await scene.advance(LEASE_MS + 1)
    expect(await scene.claim()).toEqual([])
  })
}
