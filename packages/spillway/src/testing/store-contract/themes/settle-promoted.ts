// Settling a promoted chunk: it carries commands of other chunks, and what becomes of them is written to their own rows.

import { LEASE_MS } from '../scene.js'
import type { Suite, Theme } from '../suite.js'
import { dying, failing, retrying, succeeding } from '../updates.js'

export const settlePromotedTheme: Theme = {
  name: 'settle promoted chunks',
  define: (suite) => settlingPromoted(suite),
}

function settlingPromoted({ test }: Suite): void {
  test('writes the outcomes of a promoted chunk to the commands it carries', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.submit({ size: 4 })
    await scene.settle(await scene.claimOne(), {
      updates: [0, 1, 2, 3].map((index) => retrying(index, 1_000)),
    })
    await scene.advance(1_001)
    expect(await scene.promote()).toBe(4)
    const lease = await scene.claimOne()
    expect(lease.members?.map(({ id }) => id)).toEqual(ids)
    expect(await scene.states(ids)).toEqual(['running', 'running', 'running', 'running'])
    const updates = [failing(0, 2), retrying(1, 9_000, 2), succeeding(2, 'v', 2)]
    expect(await scene.settle(lease, { updates })).toBe('ok')
    expect(await scene.states(ids)).toEqual(['failed', 'retrying', 'succeeded', 'succeeded'])
    expect(await scene.view(ids[2])).toMatchObject({
      result: '"v"',
      attempts: 2,
      finishedAt: scene.now(),
      error: null,
    })
    expect(await scene.view(ids[3])).toMatchObject({
      result: null,
      attempts: 2,
      finishedAt: scene.now(),
      error: null,
    })
    expect((await scene.store.reader.accounting()).accepted).toBe(4)
  })

  test('resumes a promoted chunk where it was', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.submit({ size: 3 })
    await scene.settle(await scene.claimOne(), { updates: [0, 1, 2].map((index) => retrying(index, 1_000)) })
    await scene.advance(1_001)
    await scene.promote()
    await scene.extend(await scene.claimOne(), { finished: [1] })
    await scene.advance(LEASE_MS + 1)
    const again = await scene.claimOne()
    expect(again).toMatchObject({ skip: [1], expiries: 1 })
    expect(await scene.states(ids)).toEqual(['running', 'succeeded', 'running'])
    await scene.settle(again, { updates: [dying(2, 3)] })
    expect(await scene.states(ids)).toEqual(['succeeded', 'succeeded', 'dead'])
  })

  test('changes nothing of a carried command that ended when progress is reported again', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.submit({ size: 3 })
    await scene.settle(await scene.claimOne(), {
      updates: [0, 1, 2].map((index) => retrying(index, 1_000)),
    })
    await scene.advance(1_001)
    await scene.promote()
    const lease = await scene.claimOne()
    await scene.extend(lease, { updates: [failing(0, 2), retrying(1, 5_000, 2)] })
    const before = await Promise.all([scene.view(ids[0]), scene.view(ids[1])])
    await scene.advance(100)
    await scene.extend(lease, { updates: [retrying(0, 1, 9), failing(1, 9)], finished: [0, 1] })
    expect(await Promise.all([scene.view(ids[0]), scene.view(ids[1])])).toEqual(before)
    await scene.settle(lease, { finished: [0, 1] })
    expect(await scene.states(ids)).toEqual(['failed', 'retrying', 'succeeded'])
  })

  test('ignores a late settlement of a promoted chunk', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.submit()
    await scene.settle(await scene.claimOne(), { updates: [retrying(0, 1_000)] })
    await scene.advance(1_001)
    await scene.promote()
    const late = await scene.claimOne()
    await scene.advance(LEASE_MS + 1)
    const current = await scene.claimOne()
    expect(await scene.settle(late, { updates: [dying(0, 2)] })).toBe('stale')
    expect(await scene.settle(current)).toBe('ok')
    expect(await scene.settle(current, { updates: [dying(0, 2)] })).toBe('stale')
    expect(await scene.states(ids)).toEqual(['succeeded'])
  })
}
