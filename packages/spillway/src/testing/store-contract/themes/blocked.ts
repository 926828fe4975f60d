// Blocked commands: what waits behind an earlier command of its ordering key follows in order once that is over, and not
// before (I8).

import { fingerprint } from '../../../domain/index.js'
import { DAY_MS, type Scene } from '../scene.js'
import { needsReopen, type Suite, type Theme } from '../suite.js'
import { awaiting, blocking, doubting, dying, failing, retrying, undoing, undone } from '../updates.js'

const ORDERED = { partition: 3 } as const
const YEAR_MS = 365 * DAY_MS
const KEY = fingerprint('"one key"')
const OTHER = fingerprint('"another key"')

/** A command that is tried again after a second, and as many behind it as are asked for. */
async function holdUp(scene: Scene, behind = 2, options: object = ORDERED) {
  const first = await scene.park([retrying(0, 1_000, 1, { orderingKey: KEY })], options)
  const blocked = Array.from({ length: behind }, (_, index) => blocking(index, KEY))
  const rest = await scene.park(blocked, options)
  return { first, rest }
}

export const blockedTheme: Theme = {
  name: 'blocked',
  define(suite) {
    waiting(suite)
    lettingGo(suite)
    bounding(suite)
    ending(suite)
  },
}

function waiting({ test }: Suite): void {
  test('keeps a blocked command as it was left, due at no time', async (scene) => {
    const { expect, store } = scene
    const { rest } = await holdUp(scene, 1)
    expect(await scene.view(rest.ids[0])).toMatchObject({
      ...{ state: 'blocked', stage: 'execute', attempts: 0, nextAt: null, finishedAt: null, error: null },
      history: [],
    })
    expect(await store.reader.accounting()).toMatchObject({ retrying: 1, blocked: 1 })
    expect(await store.reader.queues()).toMatchObject([{ retrying: 1, blocked: 1, ready: 0 }])
  })

  test('lets go of nothing while the key is held up, in whatever way and however long', async (scene) => {
    const { expect } = scene
    const { rest } = await holdUp(scene)
    const note = { orderingKey: KEY }
    expect(await scene.promote()).toBe(0)
    const turns = [
      doubting(0, 1_000, note),
      awaiting(0, 1_000, null, note),
      undoing(0, 1_000, note),
      dying(0, 1, note),
    ]
    for (const update of turns) {
      expect(await scene.promoteAfter(1_000), 'carried').toBe(1)
      const lease = await scene.claimOne()
      expect(await scene.promote(), 'leased').toBe(0)
      await scene.settle(lease, { updates: [update] })
      expect(await scene.promote(), update.state).toBe(0)
      expect(await scene.states(rest.ids)).toEqual(['blocked', 'blocked'])
    }
    expect(await scene.promoteAfter(YEAR_MS)).toBe(0)
    expect(await scene.states(rest.ids)).toEqual(['blocked', 'blocked'])
  })
}

function lettingGo({ test }: Suite): void {
  test('lets blocked commands follow in order once the one before them is over', async (scene) => {
    const { expect } = scene
    const { rest } = await holdUp(scene, 3)
    const later = await scene.park([blocking(0, KEY)], ORDERED)
    await scene.promoteAfter(1_000)
    await scene.settle(await scene.claimOne())
    expect(await scene.states(rest.ids)).toEqual(['blocked', 'blocked', 'blocked'])
    expect(await scene.promote()).toBe(4)
    const lease = await scene.claimOne()
    expect(lease).toMatchObject({ stage: 'execute', blockers: [], partition: 3 })
    expect(lease.members?.map(({ id }) => id)).toEqual([...rest.ids, ...later.ids])
    expect(lease.members?.map(({ attempts, orderingKey }) => [attempts, orderingKey])).toEqual(
      Array.from({ length: 4 }, () => [0, KEY]),
    )
    await scene.settle(lease)
    expect(await scene.states(rest.ids)).toEqual(['succeeded', 'succeeded', 'succeeded'])
  })

  test('lets go whatever the end was', async (scene) => {
    const { expect } = scene
    const ends = [failing(0), undone(0), dying(0, 5, { orderingKey: null }), retrying(0, DAY_MS)]
    for (const [at, end] of ends.entries()) {
      const { rest } = await holdUp(scene, 1, { partition: at })
      await scene.promoteAfter(1_000)
      await scene.settle(await scene.claimOne(), { updates: [end] })
      expect(await scene.promote(), end.state).toBe(1)
      await scene.settle(await scene.claimOne())
      expect(await scene.states(rest.ids)).toEqual(['succeeded'])
    }
  })

  test('still names a blocked command to who comes later, until it was let go and is over', async (scene) => {
    const { expect } = scene
    const { rest } = await holdUp(scene, 1)
    await scene.promoteAfter(1_000)
    await scene.settle(await scene.claimOne())
    const late = await scene.submit(ORDERED)
    const lease = await scene.claimOne()
    expect(lease).toMatchObject({ chunkId: late.chunkId, blockers: [{ orderingKey: KEY }] })
    await scene.settle(lease, { updates: [blocking(0, KEY)] })
    expect(await scene.promote()).toBe(2)
    const { members } = await scene.claimOne()
    expect(members?.map(({ id }) => id)).toEqual([rest.ids[0], late.ids[0]])
  })

  test('leaves other keys, partitions and queues alone', async (scene) => {
    const { expect } = scene
    await holdUp(scene)
    const free = [
      await scene.park([blocking(0, OTHER)], ORDERED),
      await scene.park([blocking(0, KEY)], { partition: 4 }),
      await scene.park([blocking(0, KEY)], { ...ORDERED, queue: 'elsewhere' }),
    ]
    expect(await scene.promote()).toBe(3)
    expect(await scene.states(free.flatMap(({ ids }) => ids))).toEqual(['accepted', 'accepted', 'accepted'])
  })

  test('is not held up by what comes later', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.park(
      [blocking(0, KEY), retrying(1, DAY_MS, 1, { orderingKey: KEY }), blocking(2, KEY)],
      ORDERED,
    )
    expect(await scene.promote()).toBe(1)
    expect(await scene.states(ids)).toEqual(['accepted', 'retrying', 'blocked'])
  })

  test('is not held up by what is scheduled', async (scene) => {
    const { expect } = scene
    const later = { state: 'scheduled', nextAt: scene.now() + DAY_MS, attempts: 0, error: null } as const
    await scene.submit({ ...ORDERED, parked: [{ ...later, orderingKey: KEY }] })
    const { ids } = await scene.park([blocking(0, KEY)], ORDERED)
    expect(await scene.promote()).toBe(1)
    expect(await scene.states(ids)).toEqual(['accepted'])
  })
}

function bounding({ test }: Suite): void {
  test('lets go of as many as asked, the first of the key first', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.park(
      [0, 1, 2, 3, 4].map((index) => blocking(index, KEY)),
      ORDERED,
    )
    expect(await scene.promote({ limit: 2 })).toBe(2)
    const states = ['accepted', 'accepted', 'blocked', 'blocked', 'blocked']
    expect(await scene.states(ids)).toEqual(states)
    expect(await scene.promote({ limit: 2 }), 'held up by the first two').toBe(0)
    expect(await scene.states(ids)).toEqual(states)
    await scene.settle(await scene.claimOne())
    expect(await scene.promote({ limit: 2 })).toBe(2)
    await scene.settle(await scene.claimOne())
    expect(await scene.states(ids)).toEqual(['succeeded', 'succeeded', 'succeeded', 'succeeded', 'blocked'])
  })

  test('lets go of free keys, however many are blocked before them', async (scene) => {
    const { expect } = scene
    await holdUp(scene, 200)
    const { ids } = await scene.park([blocking(0, OTHER)], ORDERED)
    expect(await scene.promote({ limit: 10 })).toBe(1)
    expect(await scene.states(ids)).toEqual(['accepted'])
  })

  test('lets go of a command once, however many promote at once (I17)', async (scene) => {
    const { expect } = scene
    const blocked = Array.from({ length: 20 }, (_, index) => blocking(index, KEY))
    const { ids } = await scene.park(blocked, ORDERED)
    const counts = await Promise.all(Array.from({ length: 4 }, () => scene.promote()))
    const letGo = counts.reduce((sum, count) => sum + count, 0)
    expect(letGo + (await letGoOfRest(scene, 20 - letGo))).toBe(20)
    await settleAll(scene)
    expect(await scene.states(ids)).toEqual(ids.map(() => 'succeeded'))
  })

  test(
    'lets go of a command once when maintainers of two processes promote (I17)',
    async (scene) => {
      const { expect } = scene
      const other = await scene.subject.reopen?.()
      const blocked = Array.from({ length: 20 }, (_, index) => blocking(index, KEY))
      await scene.park(blocked, ORDERED)
      const request = { limit: 1_000, chunkCommandsMax: 1_000, newChunkId: scene.newChunkId }
      const counts = await Promise.all([scene.promote(), other?.promote(request)])
      const letGo = (counts[0] ?? 0) + (counts[1] ?? 0)
      expect(letGo + (await letGoOfRest(scene, 20 - letGo))).toBe(20)
    },
    needsReopen,
  )
}

/**
 * Of several that promote at once each may have locked some of a key's commands: then only the first ones are let go, and the others once
 * those are done.
 */
async function letGoOfRest(scene: Scene, count: number): Promise<number> {
  let letGo = 0
  // Nothing may be let go before the first ones are done, however few are left.
  for (let round = 0; round <= count && letGo < count; round += 1) {
    const alone = await scene.promote()
    if (alone === 0) await settleAll(scene)
    letGo += alone
  }
  return letGo
}

/** Of a partition one chunk is leased at a time. */
async function settleAll(scene: Scene): Promise<void> {
  let leases = await scene.claim()
  while (leases.length > 0) {
    for (const lease of leases) await scene.settle(lease)
    leases = await scene.claim()
  }
}

function ending({ test }: Suite): void {
  test('cancels a blocked command; those behind it go on waiting for the first', async (scene) => {
    const { expect, store } = scene
    const { first, rest } = await holdUp(scene)
    expect(await store.control.cancel([rest.ids[0] as string])).toEqual(['ok'])
    expect(await scene.promote()).toBe(0)
    expect(await store.control.cancel(first.ids)).toEqual(['ok'])
    expect(await scene.promote()).toBe(1)
    expect(await scene.states([...first.ids, ...rest.ids])).toEqual(['cancelled', 'cancelled', 'accepted'])
  })

  test('follows once what held it up was pruned', async (scene) => {
    const { expect } = scene
    const { first, rest } = await holdUp(scene, 1)
    await scene.promoteAfter(1_000)
    await scene.settle(await scene.claimOne(), { updates: [dying(0, 5, { orderingKey: KEY })] })
    await scene.advance(31 * DAY_MS)
    expect(await scene.promote()).toBe(0)
    expect(await scene.prune()).toMatchObject({ commands: 1 })
    expect(await scene.states(first.ids)).toEqual([null])
    expect(await scene.promote()).toBe(1)
    expect(await scene.states(rest.ids)).toEqual(['accepted'])
  })

  test('waits behind a dead command until that is redriven and done, or nobody wants it any more', async (scene) => {
    const { expect, store } = scene
    for (const [at, end] of (['redrive', 'discard'] as const).entries()) {
      const { first, rest } = await holdUp(scene, 1, { partition: at })
      await scene.promoteAfter(1_000)
      const carried = await scene.claimOne()
      await scene.settle(carried, { updates: [dying(0, 5, { orderingKey: KEY })] })
      expect(await store.control[end](first.ids)).toEqual(['ok'])
      expect(await scene.promote()).toBe(1)
      if (end === 'redrive') {
        const again = await scene.claimOne()
        expect(again.members).toEqual([{ ...carried.members?.[0], attempts: 0 }])
        await scene.settle(again)
        expect(await scene.promote()).toBe(1)
      }
      const lease = await scene.claimOne()
      expect(lease.members).toMatchObject([{ id: rest.ids[0] }])
      await scene.settle(lease)
    }
  })
}
