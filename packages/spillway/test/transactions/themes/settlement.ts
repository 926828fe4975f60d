// What a handler submits in the transaction of its settlement is committed with it.

import { expect, it } from 'vitest'
import { createSpillway, type Spillway } from '../../../src/index.js'
import { followWith, log } from '../commands.js'
import type { Scene } from '../scene.js'

export function settlement(scene: Scene): void {
  it('is part of a settlement, in a handler that is given its transaction', async () => {
    const following: Spillway = await createSpillway(
      {
        store: scene.engine.storeAt(scene.url),
        // Without the others, it leaves alone what the tests before have submitted.
        commands: [log, followWith(() => following)],
      },
      { logs: 'silent' },
    )
    const keyed = (order: { id: number }) => ({ key: `follow ${order.id}` })
    try {
      const [good, bad] = [scene.newOrder(), scene.newOrder('fail')]
      const first = await following.submit('order.follow', good)
      expect(await following.outcome(first.id, { wait: '20s' })).toMatchObject({ state: 'succeeded' })
      expect((await following.submit(log, good, keyed(good))).status).toBe('duplicate')
      const second = await following.submit('order.follow', bad)
      expect(await following.outcome(second.id, { wait: '20s' })).toMatchObject({ state: 'dead' })
      expect((await following.submit(log, bad, keyed(bad))).status).toBe('accepted')
    } finally {
      await following.close()
    }
  })
}
