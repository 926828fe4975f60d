// Ordered queues: of a partition at most one chunk is leased, and always the oldest that is not done.

import { LEASE_MS } from '../scene.js'
import type { Theme } from '../suite.js'
import { retrying } from '../updates.js'

export const partitionsTheme: Theme = {
  name: 'partitions',
  define({ test }) {
    test('leases one chunk of a partition at a time, oldest first', async (scene) => {
      const { expect } = scene
      const submitted = await scene.append(Array.from({ length: 3 }, () => scene.draft({ partition: 7 })))
      for (const { chunkId } of submitted) {
        const lease = await scene.claimOne()
        expect(lease).toMatchObject({ chunkId, partition: 7 })
        expect(await scene.claim()).toEqual([])
        await scene.settle(lease)
      }
    })

    test('leases the oldest chunk of every partition in one call', async (scene) => {
      const { expect } = scene
      const submitted = await scene.append(
        [0, 1, 0, 2, 1, null].map((partition) => scene.draft({ partition })),
      )
      const leases = await scene.claim()
      expect(leases.map((lease) => lease.chunkId)).toEqual([0, 1, 3, 5].map((at) => submitted[at]?.chunkId))
    })

    test('keeps the order of a partition against priorities', async (scene) => {
      const { expect } = scene
      const first = await scene.submit({ partition: 1, priority: 0 })
      await scene.submit({ partition: 1, priority: 50 })
      expect((await scene.claimOne()).chunkId).toBe(first.chunkId)
    })

    test('keeps the order of a partition against the types a worker can handle', async (scene) => {
      const { expect } = scene
      await scene.submit({ partition: 1, type: 'a' })
      await scene.submit({ partition: 1, type: 'b' })
      expect(await scene.claim({ types: ['b'] })).toEqual([])
      await scene.settle(await scene.claimOne({ types: ['a', 'b'] }))
      expect(await scene.claimOne({ types: ['b'] })).toMatchObject({ type: 'b' })
    })

    test('gives an expired chunk again before any later one of its partition', async (scene) => {
      const { expect } = scene
      const first = await scene.submit({ partition: 1 })
      await scene.submit({ partition: 1 })
      await scene.claimOne()
      await scene.advance(LEASE_MS + 1)
      expect(await scene.claimOne()).toMatchObject({ chunkId: first.chunkId, expiries: 1 })
      expect(await scene.claim()).toEqual([])
    })

    test('gives a released chunk again before any later one of its partition', async (scene) => {
      const { expect } = scene
      const first = await scene.submit({ partition: 1 })
      await scene.submit({ partition: 1 })
      await scene.extend(await scene.claimOne(), { release: true })
      expect(await scene.claimOne()).toMatchObject({ chunkId: first.chunkId })
    })

    test('goes on with a partition whose oldest chunk was cancelled', async (scene) => {
      const { expect, store } = scene
      const [first, second, third] = await scene.append(
        [1, 1, 1].map((partition) => scene.draft({ partition })),
      )
      await store.control.cancel([...(first?.ids ?? []), ...(second?.ids ?? [])])
      expect(await scene.claimOne()).toMatchObject({ chunkId: third?.chunkId })
    })

    test('never leases two chunks of a partition to workers that ask at once', async (scene) => {
      const { expect } = scene
      await scene.append(Array.from({ length: 12 }, (_, n) => scene.draft({ partition: n % 3 })))
      const claims = await Promise.all(
        Array.from({ length: 6 }, (_, n) => scene.claim({ workerId: `w${n}` })),
      )
      const partitions = claims.flat().map((lease) => lease.partition)
      expect([...partitions].sort()).toEqual([0, 1, 2])
    })

    test('keeps partitions of different queues apart', async (scene) => {
      const { expect } = scene
      await scene.append([scene.draft({ partition: 1 }), scene.draft({ partition: 1, queue: 'elsewhere' })])
      expect(await scene.claim()).toHaveLength(1)
      expect(await scene.claim({ queue: 'elsewhere' })).toHaveLength(1)
    })

    test('promotes a retry into the partition it came from', async (scene) => {
      const { expect } = scene
      const { ids } = await scene.submit({ partition: 4 })
      await scene.settle(await scene.claimOne(), { updates: [retrying(0, 1_000)] })
      await scene.advance(1_001)
      await scene.promote()
      expect(await scene.claimOne()).toMatchObject({ partition: 4, members: [{ id: ids[0] }] })
    })
  },
}
