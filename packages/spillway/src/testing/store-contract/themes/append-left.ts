// What an append that leases does not lease: whatever a claim could not take is stored and left to claims, what the limit of its queue
// has no room for as well, and what was stored before stays as it is.

import type { Lease, ParkedDraft } from '../../../domain/index.js'
import { LEASE_MS, type Scene, type Submitted } from '../scene.js'
import type { Suite, Theme } from '../suite.js'

const LEASE = { workerId: 'worker-1', leaseMs: LEASE_MS }

export const appendLeftTheme: Theme = {
  name: 'append that leaves to claims',
  define(suite) {
    leavingToClaims(suite)
    limiting(suite)
    resending(suite)
  },
}

function leavingToClaims({ test }: Suite): void {
  test('stores what is parked, and leaves it to its time', async (scene) => {
    const { expect } = scene
    const later: ParkedDraft = { state: 'scheduled', nextAt: scene.now() + 1_000, attempts: 0, error: null }
    const [scheduled, ready] = await scene.append([scene.draft({ parked: [later] }), scene.draft()], {
      lease: LEASE,
    })
    expect(scheduled?.lease).toBe(null)
    expect(ready?.lease?.chunkId).toBe(ready?.chunkId)
    expect(await scene.states(scheduled?.ids ?? [])).toEqual(['scheduled'])
    expect(await scene.promoteAfter(1_000)).toBe(1)
  })

  test('leaves chunks with a partition to claims, which give them in order', async (scene) => {
    const { expect } = scene
    const [first, second, plain] = await scene.append(
      [scene.draft({ partition: 1 }), scene.draft({ partition: 1 }), scene.draft()],
      { lease: LEASE },
    )
    expect([first?.lease, second?.lease]).toEqual([null, null])
    expect(plain?.lease?.chunkId).toBe(plain?.chunkId)
    const claimed = await scene.claimOne()
    expect(claimed.chunkId).toBe(first?.chunkId)
    await scene.settle(claimed)
    expect((await scene.claimOne()).chunkId).toBe(second?.chunkId)
  })

  test('leases nothing of a paused queue', async (scene) => {
    const { expect, store } = scene
    await store.control.configureQueue('main', { paused: true })
    const [paused, other] = await scene.append([scene.draft(), scene.draft({ queue: 'elsewhere' })], {
      lease: LEASE,
    })
    expect(paused?.lease).toBe(null)
    expect(other?.lease?.chunkId).toBe(other?.chunkId)
    expect(await scene.states(paused?.ids ?? [])).toEqual(['accepted'])
    expect(await scene.claim()).toEqual([])
    await store.control.configureQueue('main', { paused: false })
    expect((await scene.claimOne()).chunkId).toBe(paused?.chunkId)
  })
}

function submitMany(scene: Scene, count: number): Promise<Submitted[]> {
  return scene.append(
    Array.from({ length: count }, () => scene.draft()),
    { lease: LEASE },
  )
}

function limiting({ test }: Suite): void {
  test('leases as many as the limit of the queue has room for, the first ones first', async (scene) => {
    const { expect, store } = scene
    await store.control.configureQueue('main', { leasesMax: 3 })
    const before = await scene.submitLeased()
    const submitted = await submitMany(scene, 4)
    expect(submitted.map(({ lease }) => lease !== null)).toEqual([true, true, false, false])
    expect(await scene.claim()).toEqual([])
    await scene.settle(before.lease as Lease)
    expect((await scene.claimOne()).chunkId).toBe(submitted[2]?.chunkId)
  })

  test('counts each queue of a call for itself', async (scene) => {
    const { expect, store } = scene
    await store.control.configureQueue('main', { leasesMax: 1 })
    const queues = ['main', 'elsewhere', 'main', 'elsewhere']
    const submitted = await scene.append(
      queues.map((queue) => scene.draft({ queue })),
      { lease: LEASE },
    )
    expect(submitted.map(({ lease }) => lease !== null)).toEqual([true, true, false, true])
  })

  test('counts claims and leases that still hold, and none that expired', async (scene) => {
    const { expect, store } = scene
    await scene.submit()
    await store.control.configureQueue('main', { leasesMax: 2 })
    await scene.claimOne()
    expect((await submitMany(scene, 2)).map(({ lease }) => lease !== null)).toEqual([true, false])
    await scene.advance(LEASE_MS + 1)
    expect((await submitMany(scene, 3)).map(({ lease }) => lease !== null)).toEqual([true, true, false])
  })

  test('does not spend the limit on what it does not lease', async (scene) => {
    const { expect, store } = scene
    await scene.submit({ payloads: ['p'], keys: ['k'], queue: 'elsewhere' })
    await store.control.configureQueue('main', { leasesMax: 1 })
    const known = scene.draft({ payloads: ['old'] })
    await store.append([known])
    const later: ParkedDraft = { state: 'scheduled', nextAt: scene.now() + 1_000, attempts: 0, error: null }
    const submitted = await scene.append(
      [
        known,
        scene.draft({ payloads: ['p'], keys: ['k'] }),
        scene.draft({ parked: [later] }),
        scene.draft({ partition: 1 }),
        scene.draft(),
      ],
      { lease: LEASE },
    )
    expect(submitted.map(({ lease }) => lease !== null)).toEqual([false, false, false, false, true])
  })

  test('leases nothing where the limit was lowered below what is leased', async (scene) => {
    const { expect, store } = scene
    await submitMany(scene, 2)
    await store.control.configureQueue('main', { leasesMax: 1 })
    expect((await scene.submitLeased()).lease).toBe(null)
  })

  test('keeps the limit among appends and claims at once', async (scene) => {
    const { expect, store } = scene
    await scene.append(Array.from({ length: 6 }, () => scene.draft()))
    await store.control.configureQueue('main', { leasesMax: 4 })
    const [claimed, ...submitted] = await Promise.all([
      scene.claim({ chunksMax: 3 }),
      ...Array.from({ length: 8 }, (_, n) => scene.submitLeased({}, `worker-${n}`)),
    ])
    const leased = submitted.filter(({ lease }) => lease !== null).length
    expect(leased + (claimed?.length ?? 0)).toBe(4)
  })
}

function resending({ test }: Suite): void {
  test('answers what was stored before as ever, without a lease', async (scene) => {
    const { expect, store } = scene
    const first = await scene.submit({ payloads: ['p'], keys: ['k'], queue: 'elsewhere' })
    const draft = scene.draft({ payloads: ['p', 'x'], keys: ['k', null] })
    const plain = await store.append([draft])
    await scene.advance(1_000)
    const [again] = await store.append([draft], { lease: LEASE })
    expect(again).toEqual({ ...plain[0], lease: null })
    expect(again?.verdicts?.[0]).toEqual({ status: 'duplicate', id: first.ids[0] })
    expect((await scene.claimOne()).chunkId).toBe(draft.id)
  })

  test('leases nothing twice: not while it is leased, and not when it is done', async (scene) => {
    const { expect, store } = scene
    const draft = scene.draft({ size: 2, keys: ['a', null] })
    const [first] = await store.append([draft], { lease: LEASE })
    expect(await store.append([draft], { lease: LEASE })).toEqual([{ ...first, lease: null }])
    await scene.advance(LEASE_MS + 1)
    expect((await store.append([draft], { lease: LEASE }))[0]?.lease).toBe(null)
    const taken = await scene.claimOne()
    expect(await scene.settle(first?.lease as Lease)).toBe('stale')
    await scene.settle(taken)
    expect(await store.append([draft], { lease: LEASE })).toEqual([{ ...first, lease: null }])
    expect(await scene.claim()).toEqual([])
  })

  test('leases what a resend brings along that is new', async (scene) => {
    const { expect, store } = scene
    const [old, fresh] = [scene.draft({ keys: ['a'] }), scene.draft({ keys: ['b'] })]
    await store.append([old])
    const results = await store.append([old, fresh], { lease: LEASE })
    expect(results.map(({ lease }) => lease?.chunkId ?? null)).toEqual([null, fresh.id])
  })

  test('leases a chunk that comes twice in one call once, and in two calls at once to one of them', async (scene) => {
    const { expect, store } = scene
    const draft = scene.draft({ size: 2, keys: ['a', 'b'] })
    const [twice, ...others] = await Promise.all([
      store.append([draft, draft], { lease: LEASE }),
      store.append([draft], { lease: { ...LEASE, workerId: 'worker-2' } }),
      store.append([draft], { lease: { ...LEASE, workerId: 'worker-3' } }),
    ])
    const results = [...(twice ?? []), ...others.flat()]
    expect(results.map(({ verdicts }) => verdicts)).toEqual([null, null, null, null])
    expect(results.filter(({ lease }) => lease !== null)).toHaveLength(1)
    expect((await store.reader.accounting()).running).toBe(2)
  })

  test('gives the lease to the first of a call when a chunk comes twice', async (scene) => {
    const { expect, store } = scene
    const draft = scene.draft()
    const results = await store.append([draft, scene.draft(), draft], { lease: LEASE })
    expect(results.map(({ lease }) => lease !== null)).toEqual([true, true, false])
  })
}
