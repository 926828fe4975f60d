// Listings: newest first, filtered, page by page without a hole or a double.

import { PAGE_ROWS_MAX } from '../../../domain/index.js'
import type { CommandView, ListRequest } from '../../../ports/index.js'
import type { Scene } from '../scene.js'
import type { Suite, Theme } from '../suite.js'
import { dying, failing, retrying, succeeding } from '../updates.js'

/** Pages a listing may take at most in these tests. */
const PAGES_MAX = 200

async function listAll(
  scene: Scene,
  request: ListRequest,
  between?: () => Promise<unknown>,
): Promise<CommandView[]> {
  const items: CommandView[] = []
  let after: string | null = null
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const { items: some, next } = await scene.store.reader.list(
      after === null ? request : { ...request, after },
    )
    scene.expect(some.length).toBeLessThan(request.limit + 1)
    items.push(...some)
    if (next === null) return items
    after = next
    await between?.()
  }
  throw new Error(`The listing did not end within ${PAGES_MAX} pages.`)
}

async function listIds(
  scene: Scene,
  request: ListRequest,
  between?: () => Promise<unknown>,
): Promise<string[]> {
  return (await listAll(scene, request, between)).map(({ id }) => id)
}

export const listingTheme: Theme = {
  name: 'listing',
  define(suite) {
    listing(suite)
    paging(suite)
  },
}

function listing({ test }: Suite): void {
  test('lists newest first, by chunk and then by index as a number', async (scene) => {
    const { expect } = scene
    const [first, second] = await scene.append([scene.draft({ size: 2 }), scene.draft({ size: 12 })])
    expect(await listIds(scene, { limit: 100 })).toEqual([
      ...[...(second?.ids ?? [])].reverse(),
      ...[...(first?.ids ?? [])].reverse(),
    ])
  })

  test('lists what arrived since the last listing', async (scene) => {
    const { expect } = scene
    const first = await scene.submit()
    expect(await listIds(scene, { limit: 10 })).toEqual(first.ids)
    const second = await scene.submit()
    expect(await listIds(scene, { limit: 10 })).toEqual([...second.ids, ...first.ids])
  })

  test('lists commands, not duplicates and not promoted chunks', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.submit({ payloads: ['p', 'p', 'q'], keys: ['k', 'k', null] })
    await scene.settle(await scene.claimOne(), { updates: [retrying(2, 1_000)] })
    await scene.advance(1_001)
    await scene.promote()
    expect(await listIds(scene, { limit: 100 })).toEqual([ids[2], ids[0]])
  })

  test('shows in a list what it shows one by one', async (scene) => {
    const { expect, store } = scene
    const { ids } = await scene.submit({ size: 4 })
    await scene.settle(await scene.claimOne(), {
      updates: [failing(0), retrying(1, 5_000), succeeding(2, 'v')],
    })
    const listed = await listAll(scene, { limit: 100 })
    expect(listed).toEqual([...(await store.reader.get(ids))].reverse())
  })

  test('filters by state, wherever the state is kept', async (scene) => {
    const { expect, store } = scene
    const { ids } = await scene.submit({ size: 6 })
    await store.control.cancel([ids[5] as string])
    const updates = [failing(1), retrying(2, 60_000), dying(3), retrying(4, 1_000)]
    await scene.settle(await scene.claimOne(), { updates })
    await scene.advance(1_001)
    await scene.promote()
    await scene.claimOne()
    const ready = await scene.submit({ size: 2 })
    const scheduled = await scene.submit({
      parked: [{ state: 'scheduled', nextAt: scene.now() + 9, attempts: 0, error: null }],
    })
    const expected = {
      accepted: [ready.ids[1], ready.ids[0]],
      running: [ids[4]],
      scheduled: [scheduled.ids[0]],
      retrying: [ids[2]],
      succeeded: [ids[0]],
      failed: [ids[1]],
      dead: [ids[3]],
      cancelled: [ids[5]],
    } as const
    for (const [state, found] of Object.entries(expected)) {
      expect(await listIds(scene, { state: state as keyof typeof expected, limit: 100 }), state).toEqual(
        found,
      )
    }
  })

  test('filters by type and queue, alone and together with a state', async (scene) => {
    const { expect } = scene
    const kinds = [{}, { type: 'other' }, { queue: 'elsewhere' }, { type: 'other', queue: 'elsewhere' }]
    const ids = (await scene.append(kinds.map((kind) => scene.draft(kind)))).map(
      (chunk) => chunk.ids[0] as string,
    )
    expect(await listIds(scene, { type: 'other', limit: 10 })).toEqual([ids[3], ids[1]])
    expect(await listIds(scene, { queue: 'elsewhere', limit: 10 })).toEqual([ids[3], ids[2]])
    expect(await listIds(scene, { queue: 'elsewhere', type: 'work', limit: 10 })).toEqual([ids[2]])
    await scene.claim()
    expect(await listIds(scene, { queue: 'main', state: 'running', limit: 10 })).toEqual([ids[0]])
    expect(await listIds(scene, { type: 'nobody', limit: 10 })).toEqual([])
  })
}

function paging({ test }: Suite): void {
  for (const limit of [1, 3, 7]) {
    test(`has no hole and no double over pages of ${limit}`, async (scene) => {
      const { expect } = scene
      const sizes = [5, 1, 12, 3, 1, 8]
      const submitted = await scene.append(sizes.map((size) => scene.draft({ size })))
      const ids = submitted.flatMap((chunk) => chunk.ids).reverse()
      expect(await listIds(scene, { limit })).toEqual(ids)
    })
  }

  test('has no hole and no double over filtered pages', async (scene) => {
    const { expect } = scene
    const expected: string[] = []
    for (let n = 0; n < 6; n += 1) {
      const { ids } = await scene.submit({ size: 9 })
      const updates = [0, 4, 5, 8].map((index) => failing(index))
      await scene.settle(await scene.claimOne(), { updates })
      expected.unshift(...[8, 5, 4, 0].map((index) => ids[index] as string))
    }
    for (const limit of [1, 2, 5]) {
      expect(await listIds(scene, { state: 'failed', limit })).toEqual(expected)
      expect(await listIds(scene, { state: 'succeeded', limit })).toHaveLength(30)
    }
  })

  test('goes on where it was while new commands arrive and old ones change', async (scene) => {
    const { expect } = scene
    const ids = (await scene.append(Array.from({ length: 10 }, () => scene.draft({ size: 2 })))).flatMap(
      (chunk) => chunk.ids,
    )
    const between = async () => {
      await scene.submit()
      const [lease] = await scene.claim({ chunksMax: 1 })
      if (lease !== undefined) await scene.settle(lease, { updates: [failing(0)] })
    }
    expect(await listIds(scene, { limit: 3 }, between)).toEqual([...ids].reverse())
  })

  test('goes on after a command that is gone', async (scene) => {
    const { expect, store } = scene
    const [older] = await scene.append([scene.draft(), scene.draft({ queue: 'elsewhere' })])
    const { items } = await store.reader.list({ queue: 'main', limit: 5, after: `${scene.newChunkId()}-0` })
    expect(items.map(({ id }) => id)).toEqual(older?.ids)
  })

  test('gives no page longer than a page may be', async (scene) => {
    const { expect, store } = scene
    await scene.append([scene.draft({ size: 1_000 })])
    const { items, next } = await store.reader.list({ limit: 10 * PAGE_ROWS_MAX })
    expect(items.length).toBeLessThan(PAGE_ROWS_MAX + 1)
    expect(next).not.toBe(null)
  })

  test('ends an empty listing at once', async ({ store, expect }) => {
    expect(await store.reader.list({ limit: 10 })).toEqual({ items: [], next: null })
  })
}
