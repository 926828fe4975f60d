// Oldest first: a claim that does not look at priorities, so that nothing starves behind what is more urgent (I10).

import { LEASE_MS } from '../scene.js'
import type { Theme } from '../suite.js'

export const oldestFirstTheme: Theme = {
  name: 'oldest first',
  define({ test }) {
    test('claims in commit order, whatever the priority, when asked for the oldest', async (scene) => {
      const { expect } = scene
      const submitted = await scene.append([0, 5, -5, 9].map((priority) => scene.draft({ priority })))
      const [first, second, third, fourth] = submitted.map(({ chunkId }) => chunkId)
      const claim = async (request: object) => (await scene.claim(request)).map(({ chunkId }) => chunkId)
      expect(await claim({ chunksMax: 1, oldestFirst: true })).toEqual([first])
      expect(await claim({ chunksMax: 1 })).toEqual([fourth])
      expect(await claim({ oldestFirst: true })).toEqual([second, third])
    })

    test('counts a chunk whose lease expired as old as it is', async (scene) => {
      const { expect } = scene
      const { chunkId } = await scene.submit({ priority: -3 })
      await scene.claimOne()
      await scene.submit({ priority: 3 })
      await scene.advance(LEASE_MS + 1)
      expect(await scene.claimOne({ chunksMax: 1, oldestFirst: true })).toMatchObject({
        chunkId,
        expiries: 1,
      })
    })

    test('looks only at the types and the tenant that are asked for', async (scene) => {
      const { expect } = scene
      const drafts = [
        scene.draft({ type: 'other', tenant: 'a' }),
        scene.draft({ tenant: 'b' }),
        scene.draft({ tenant: 'a' }),
        scene.draft({ tenant: 'a', priority: 9 }),
      ]
      const submitted = await scene.append(drafts)
      const request = { tenant: 'a', oldestFirst: true, chunksMax: 1 } as const
      expect((await scene.claimOne(request)).chunkId).toBe(submitted[2]?.chunkId)
      const both = { ...request, types: ['work', 'other'] }
      expect((await scene.claimOne(both)).chunkId).toBe(submitted[0]?.chunkId)
    })

    test('leases one chunk of a partition at a time, oldest first', async (scene) => {
      const { expect } = scene
      const drafts = [0, 9, 5].map((priority, at) => scene.draft({ priority, partition: at === 2 ? 2 : 1 }))
      const submitted = await scene.append(drafts)
      const leases = await scene.claim({ oldestFirst: true })
      expect(leases.map(({ chunkId }) => chunkId)).toEqual([submitted[0]?.chunkId, submitted[2]?.chunkId])
    })
  },
}
