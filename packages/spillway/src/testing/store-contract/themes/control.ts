// Control: cancel, redrive and pause, each guarded by the state it starts from, so that one side of every race wins (I16).

import { LEASE_MS } from '../scene.js'
import type { Suite, Theme } from '../suite.js'
import { dying, failing, retrying } from '../updates.js'

export const controlTheme: Theme = {
  name: 'control',
  define(suite) {
    cancelling(suite)
    cancellingInChunks(suite)
    redriving(suite)
  },
}

function cancelling({ test }: Suite): void {
  test('cancels a waiting command, and says when', async (scene) => {
    const { expect, store } = scene
    const { ids, createdAt } = await scene.submit({ payloads: ['p'] })
    await scene.advance(100)
    expect(await store.control.cancel(ids)).toEqual(['ok'])
    expect(await scene.view(ids[0])).toMatchObject({
      state: 'cancelled',
      acceptedAt: createdAt,
      finishedAt: scene.now(),
      attempts: 0,
      payload: '"p"',
    })
    expect(await scene.claim()).toEqual([])
  })

  test('answers in order for every id, also for one that is not there', async (scene) => {
    const { expect, store } = scene
    await scene.submit({ payloads: ['p'], keys: ['k'], queue: 'elsewhere' })
    const { ids, chunkId } = await scene.submit({ payloads: ['p', 'q', 'r'], keys: ['k', null, null] })
    const asked = [
      'nonsense',
      `${scene.newChunkId()}-0`,
      `${chunkId}-3`,
      ids[0] as string,
      ids[2] as string,
      ids[2] as string,
    ]
    expect(await store.control.cancel(asked)).toEqual([
      'not_found',
      'not_found',
      'not_found',
      'not_found',
      'ok',
      'conflict',
    ])
    expect(await store.control.redrive(asked.slice(0, 4))).toEqual([
      'not_found',
      'not_found',
      'not_found',
      'not_found',
    ])
    expect(await store.control.cancel([])).toEqual([])
    expect(await scene.states(ids.slice(1))).toEqual(['accepted', 'cancelled'])
  })

  test('keeps the key of a cancelled command', async (scene) => {
    const { expect, store } = scene
    const { ids } = await scene.submit({ payloads: ['p'], keys: ['k'] })
    await store.control.cancel(ids)
    const again = await scene.submit({ payloads: ['p'], keys: ['k'] })
    expect(again.verdicts).toEqual([{ status: 'duplicate', id: ids[0] }])
  })

  test('lets either the cancel or the claim have a command, never both', async (scene) => {
    const { expect, store } = scene
    for (let round = 0; round < 10; round += 1) {
      const { ids } = await scene.submit({ size: 2 })
      const [verdicts, leases] = await Promise.all([store.control.cancel([ids[0] as string]), scene.claim()])
      // A claim may pass over a chunk that a cancel has locked; the next one finds it.
      const lease = leases[0] ?? (await scene.claim())[0]
      expect(lease?.skip).toEqual(verdicts[0] === 'ok' ? [0] : [])
      expect(await scene.states(ids)).toEqual([verdicts[0] === 'ok' ? 'cancelled' : 'running', 'running'])
      if (lease !== undefined) await scene.settle(lease)
    }
  })

  test('does not cancel what a worker holds, not even after its lease expired', async (scene) => {
    const { expect, store } = scene
    const { ids } = await scene.submit()
    const lease = await scene.claimOne()
    expect(await store.control.cancel(ids)).toEqual(['conflict'])
    await scene.advance(LEASE_MS + 1)
    expect(await store.control.cancel(ids)).toEqual(['conflict'])
    expect(await scene.settle(lease)).toBe('ok')
    expect(await scene.states(ids)).toEqual(['succeeded'])
  })
}

function cancellingInChunks({ test }: Suite): void {
  test('takes a cancelled command out of its chunk; the others run', async (scene) => {
    const { expect, store } = scene
    const { ids } = await scene.submit({ size: 3 })
    await store.control.cancel([ids[1] as string])
    const lease = await scene.claimOne()
    expect(lease.skip).toEqual([1])
    await scene.settle(lease)
    expect(await scene.states(ids)).toEqual(['succeeded', 'cancelled', 'succeeded'])
  })

  test('has nothing to claim of a chunk whose commands were all cancelled', async (scene) => {
    const { expect, store } = scene
    const { ids } = await scene.submit({ size: 3 })
    expect(await store.control.cancel(ids)).toEqual(['ok', 'ok', 'ok'])
    expect(await scene.claim()).toEqual([])
    expect(await store.reader.accounting()).toMatchObject({ accepted: 3, cancelled: 3, ready: 0 })
  })

  test('takes a cancelled command out of a promoted chunk; the others run', async (scene) => {
    const { expect, store } = scene
    const { ids } = await scene.submit({ size: 3 })
    await scene.settle(await scene.claimOne(), { updates: [0, 1, 2].map((index) => retrying(index, 1_000)) })
    await scene.advance(1_001)
    await scene.promote()
    expect(await store.control.cancel([ids[2] as string])).toEqual(['ok'])
    const lease = await scene.claimOne()
    const skipped = lease.skip.map((index) => lease.members?.[index]?.id)
    expect(skipped).toEqual([ids[2]])
    await scene.settle(lease)
    expect(await scene.states(ids)).toEqual(['succeeded', 'succeeded', 'cancelled'])
  })

  test('has nothing to claim of a promoted chunk whose commands were all cancelled', async (scene) => {
    const { expect, store } = scene
    const { ids } = await scene.submit({ size: 2 })
    await scene.settle(await scene.claimOne(), { updates: [retrying(0, 1_000), retrying(1, 1_000)] })
    await scene.advance(1_001)
    await scene.promote()
    expect(await store.control.cancel(ids)).toEqual(['ok', 'ok'])
    expect(await scene.claim()).toEqual([])
    expect(await scene.states(ids)).toEqual(['cancelled', 'cancelled'])
  })

  test('does not cancel a command that finished before its chunk was released', async (scene) => {
    const { expect, store } = scene
    const { ids } = await scene.submit({ size: 2 })
    await scene.extend(await scene.claimOne(), { finished: [0], release: true })
    expect(await store.control.cancel(ids)).toEqual(['conflict', 'ok'])
    expect(await scene.states(ids)).toEqual(['succeeded', 'cancelled'])
    expect(await scene.claim()).toEqual([])
  })

  test('runs a command again that was cancelled in a chunk and redriven before the chunk ran', async (scene) => {
    const { expect, store } = scene
    const { ids } = await scene.submit({ size: 2 })
    await store.control.cancel([ids[0] as string])
    await store.control.redrive([ids[0] as string])
    await scene.promote()
    const leases = await scene.claim()
    expect(leases).toHaveLength(2)
    for (const lease of leases) await scene.settle(lease)
    expect(await scene.states(ids)).toEqual(['succeeded', 'succeeded'])
    expect(await scene.view(ids[0])).toMatchObject({ generation: 1, attempts: 1 })
  })
}

function redriving({ test }: Suite): void {
  test('makes failed, dead and cancelled commands due at once, counted anew, with their history', async (scene) => {
    const { expect, store } = scene
    const { ids } = await scene.submit({ size: 3 })
    await store.control.cancel([ids[2] as string])
    await scene.settle(await scene.claimOne(), { updates: [failing(0), dying(1, 5)] })
    const before = await Promise.all(ids.map((id) => scene.view(id)))
    await scene.advance(60_000)
    expect(await store.control.redrive(ids)).toEqual(['ok', 'ok', 'ok'])
    for (const [index, id] of ids.entries()) {
      const view = await scene.view(id)
      expect(view).toMatchObject({
        state: 'retrying',
        attempts: 0,
        nextAt: scene.now(),
        finishedAt: null,
        generation: 1,
      })
      expect(view.history).toEqual(before[index]?.history)
    }
    expect(await scene.promote()).toBe(3)
    expect((await scene.claimOne()).members?.map(({ attempts }) => attempts)).toEqual([0, 0, 0])
  })

  test('opens one generation more each time, under the same id', async (scene) => {
    const { expect, store } = scene
    const { ids } = await scene.submit()
    await scene.settle(await scene.claimOne(), { updates: [dying(0)] })
    for (const generation of [1, 2]) {
      expect(await store.control.redrive(ids)).toEqual(['ok'])
      await scene.promote()
      await scene.settle(await scene.claimOne(), { updates: [dying(0)] })
      expect(await scene.view(ids[0])).toMatchObject({ state: 'dead', generation, attempts: 1 })
    }
    expect((await scene.view(ids[0])).history).toHaveLength(3)
  })

  test('redrives a command once, however many ask at once', async (scene) => {
    const { expect, store } = scene
    const { ids } = await scene.submit()
    await scene.settle(await scene.claimOne(), { updates: [failing(0)] })
    const verdicts = await Promise.all(Array.from({ length: 5 }, () => store.control.redrive(ids)))
    expect(verdicts.flat().sort()).toEqual(['conflict', 'conflict', 'conflict', 'conflict', 'ok'])
    expect(await scene.view(ids[0])).toMatchObject({ generation: 1 })
  })

  test('succeeds in the end with the error forgotten and the history kept', async (scene) => {
    const { expect, store } = scene
    const { ids } = await scene.submit()
    await scene.settle(await scene.claimOne(), { updates: [failing(0)] })
    await store.control.redrive(ids)
    await scene.promote()
    await scene.settle(await scene.claimOne())
    const view = await scene.view(ids[0])
    expect(view).toMatchObject({ state: 'succeeded', error: null, attempts: 1, generation: 1 })
    expect(view.history[0]).toMatchObject({ attempt: 1, error: { code: 'failed' } })
  })
}
