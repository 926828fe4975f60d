// Wake: in the process that made something claimable, listeners hear of it. Hints only: a listener can do no harm.

import type { Scene } from '../scene.js'
import type { Theme } from '../suite.js'
import { retrying } from '../updates.js'

type Heard = [queue: string, commands: number][]

function listen(scene: Scene): { readonly heard: Heard; readonly stop: () => void } {
  const heard: Heard = []
  const stop = scene.store.wake.subscribe((queue, commands) => {
    heard.push([queue, commands])
  })
  return { heard, stop }
}

export const wakeTheme: Theme = {
  name: 'wake',
  define({ test }) {
    test('tells of appended commands by the time append resolved', async (scene) => {
      const { heard } = listen(scene)
      await scene.append([scene.draft({ size: 3 }), scene.draft({ queue: 'elsewhere' })])
      scene.expect(totals(heard)).toEqual({ main: 3, elsewhere: 1 })
    })

    test('does not tell of what no worker can claim', async (scene) => {
      await scene.submit({ payloads: ['p'], keys: ['k'] })
      const { heard } = listen(scene)
      await scene.submit({ payloads: ['p'], keys: ['k'] })
      await scene.submit({
        parked: [{ state: 'scheduled', nextAt: scene.now() + 1_000, attempts: 0, error: null }],
      })
      scene.expect(heard).toEqual([])
    })

    test('tells of promoted commands', async (scene) => {
      await scene.submit({ size: 2 })
      await scene.settle(await scene.claimOne(), { updates: [retrying(0, 1_000), retrying(1, 1_000)] })
      await scene.advance(1_001)
      const { heard } = listen(scene)
      await scene.promote()
      scene.expect(totals(heard)).toEqual({ main: 2 })
    })

    test('tells of a chunk that was given back', async (scene) => {
      await scene.submit({ size: 2 })
      const lease = await scene.claimOne()
      const { heard } = listen(scene)
      await scene.extend(lease)
      scene.expect(heard).toEqual([])
      await scene.extend(lease, { release: true })
      scene.expect(heard.map(([queue]) => queue)).toEqual(['main'])
    })

    test('tells every listener until it unsubscribes', async (scene) => {
      const { expect } = scene
      const staying = listen(scene)
      const leaving = listen(scene)
      await scene.submit()
      leaving.stop()
      leaving.stop()
      await scene.submit()
      expect(staying.heard).toHaveLength(2)
      expect(leaving.heard).toHaveLength(1)
    })

    test('appends although a listener throws, and tells the others', async (scene) => {
      const { expect, store } = scene
      store.wake.subscribe(() => {
        throw new Error('a bad listener')
      })
      const { heard } = listen(scene)
      const { ids } = await scene.submit()
      expect(await scene.states(ids)).toEqual(['accepted'])
      expect(heard).toHaveLength(1)
    })
  },
}

function totals(heard: Heard): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const [queue, commands] of heard) sums[queue] = (sums[queue] ?? 0) + commands
  return sums
}
