// Append that leases: what a worker brings along is stored and leased in one commit, exactly as a claim would lease it.

import type { Lease } from '../../../domain/index.js'
import { isSpillwayError } from '../../../errors/index.js'
import { rejectionOf } from '../rejection.js'
import { LEASE_MS, type Submitted } from '../scene.js'
import { needsReopen, type Suite, type Theme } from '../suite.js'
import { dying, retrying } from '../updates.js'

const LEASE = { workerId: 'worker-1', leaseMs: LEASE_MS }

export const appendLeaseTheme: Theme = {
  name: 'append that leases',
  define(suite) {
    leasing(suite)
    skipping(suite)
    holding(suite)
    telling(suite)
  },
}

function leaseIn({ lease }: Submitted): Lease {
  return lease as Lease
}

function chunksIn(leases: readonly Lease[]): string[] {
  return leases.map(({ chunkId }) => chunkId)
}

function leasing({ test }: Suite): void {
  test('gives a chunk with everything a worker needs', async (scene) => {
    const { expect } = scene
    const draft = scene.draft({ payloads: ['a', { b: '\u0000' }], priority: 3, tenant: 'acme' })
    const [submitted] = await scene.append([draft], { lease: LEASE })
    expect(submitted?.verdicts).toBe(null)
    expect(submitted?.createdAt).toBe(scene.now())
    const { token, ...lease } = leaseIn(submitted as Submitted)
    expect(lease).toEqual({
      chunkId: draft.id,
      queue: 'main',
      type: 'work',
      priority: 3,
      partition: null,
      tenant: 'acme',
      stage: 'execute',
      blockers: null,
      codec: 'json',
      body: draft.body,
      size: 2,
      skip: [],
      members: null,
      expiries: 0,
      cursor: null,
      createdAt: scene.now(),
    })
    expect(token).toBeGreaterThan(0)
  })

  test('says nothing of leases to whoever asks for none', async (scene) => {
    const [result] = await scene.store.append([scene.draft()])
    scene.expect('lease' in (result ?? {})).toBe(false)
    scene.expect(await scene.claim()).toHaveLength(1)
  })

  test('shows the commands as running, and gives them to nobody else', async (scene) => {
    const { expect, store } = scene
    const { ids } = await scene.submitLeased({ size: 2, tenant: 'acme' })
    expect(await scene.states(ids)).toEqual(['running', 'running'])
    expect(await store.reader.accounting()).toMatchObject({ accepted: 2, running: 2, ready: 0 })
    expect(await scene.claim()).toEqual([])
    expect(await store.readyTenants('main', ['work'], 10)).toEqual([])
  })

  test('leases every chunk of a call, of several queues and types, in the order of the drafts', async (scene) => {
    const { expect } = scene
    const drafts = Array.from({ length: 40 }, (_, n) =>
      scene.draft({ payloads: [n, 'x'.repeat(n * 50)], queue: `q${n % 3}`, type: `type${n % 2}` }),
    )
    const submitted = await scene.append(drafts, { lease: LEASE })
    expect(
      submitted.map(leaseIn).map(({ chunkId, body, queue, type }) => [chunkId, body, queue, type]),
    ).toEqual(drafts.map(({ id, body, queue, type }) => [id, body, queue, type]))
    const settlements = submitted.map(leaseIn).map(({ chunkId, token }) => ({
      ...{ chunkId, token, updates: [], finished: [], complete: true },
    }))
    expect(await scene.store.settle(settlements)).toEqual(drafts.map(() => 'ok'))
    expect((await scene.store.reader.accounting()).succeeded).toBe(80)
  })

  test('leases what it stores whatever waits before it, and nothing else', async (scene) => {
    const { expect } = scene
    const waiting = await scene.submit({ priority: 9 })
    const { lease, chunkId } = await scene.submitLeased()
    expect(lease?.chunkId).toBe(chunkId)
    expect(chunksIn(await scene.claim())).toEqual([waiting.chunkId])
  })

  test('answers an empty list with an empty list', async ({ store, expect }) => {
    expect(await store.append([], { lease: LEASE })).toEqual([])
  })

  test('goes neither with a transaction of the caller nor with `atomic`', async (scene) => {
    const { expect, store } = scene
    const draft = scene.draft()
    for (const options of [{ tx: {} }, { atomic: true }]) {
      const error = await rejectionOf(store.append([draft], { ...options, lease: LEASE }))
      expect(isSpillwayError(error, 'invalid_argument')).toBe(true)
    }
    expect(await scene.states([`${draft.id}-0`])).toEqual([null])
  })
}

function skipping({ test }: Suite): void {
  test('skips what turned out to be a repeat or a conflict', async (scene) => {
    const { expect } = scene
    const first = await scene.submit({ payloads: ['p'], keys: ['k'], queue: 'elsewhere' })
    const { lease, ids, verdicts } = await scene.submitLeased({
      payloads: ['new', 'p', 'x', 'q', 'y', 'new'],
      keys: ['n', 'k', null, 'k', 'l', 'n'],
    })
    expect(lease?.skip).toEqual([1, 3, 5])
    expect(verdicts).toEqual([
      { status: 'accepted' },
      { status: 'duplicate', id: first.ids[0] },
      { status: 'accepted' },
      { status: 'conflict', id: first.ids[0] },
      { status: 'accepted' },
      { status: 'duplicate', id: ids[0] },
    ])
    await scene.settle(lease as Lease)
    expect((await scene.store.reader.accounting()).succeeded).toBe(3)
  })

  test('resolves repeats between the chunks of a call: the first has the command', async (scene) => {
    const { expect } = scene
    const [first, second] = await scene.append(
      [
        scene.draft({ payloads: ['p', 'x'], keys: ['k', null] }),
        scene.draft({ payloads: ['y', 'p'], keys: [null, 'k'] }),
      ],
      { lease: LEASE },
    )
    expect(first?.lease?.skip).toEqual([])
    expect(second?.lease?.skip).toEqual([1])
    expect(second?.verdicts?.[1]).toEqual({ status: 'duplicate', id: first?.ids[0] })
  })

  test('leases nothing of a chunk of nothing but repeats', async (scene) => {
    const { expect } = scene
    await scene.submit({ payloads: [1, 2], keys: ['a', 'b'], queue: 'elsewhere' })
    const again = await scene.submitLeased({ payloads: [1, 9], keys: ['a', 'b'] })
    expect(again.lease).toBe(null)
    expect(again.verdicts?.map(({ status }) => status)).toEqual(['duplicate', 'conflict'])
    expect(await scene.claim()).toEqual([])
  })
}

function holding({ test }: Suite): void {
  test('settles under the lease, exceptions included', async (scene) => {
    const { expect } = scene
    const { lease, ids } = await scene.submitLeased({ size: 3 })
    expect(await scene.settle(lease as Lease, { updates: [dying(1), retrying(2, 1_000)] })).toBe('ok')
    expect(await scene.states(ids)).toEqual(['succeeded', 'dead', 'retrying'])
    expect(await scene.promoteAfter(1_000)).toBe(1)
    expect((await scene.claimOne()).members?.map(({ id }) => id)).toEqual([ids[2]])
  })

  test('heartbeats under the lease, which then holds longer', async (scene) => {
    const { expect } = scene
    const { lease } = await scene.submitLeased({ size: 2 })
    await scene.advance(LEASE_MS - 1)
    expect(await scene.extend(lease as Lease, { finished: [0], cursor: 1 })).toBe('ok')
    await scene.advance(LEASE_MS - 1)
    expect(await scene.claim()).toEqual([])
    await scene.advance(2)
    expect(await scene.claimOne()).toMatchObject({ skip: [0], cursor: 1, expiries: 1 })
  })

  test('gives a chunk back without counting a crash', async (scene) => {
    const { expect } = scene
    const { lease, chunkId } = await scene.submitLeased()
    expect(await scene.extend(lease as Lease, { release: true })).toBe('ok')
    expect(await scene.claimOne()).toMatchObject({ chunkId, expiries: 0 })
  })

  test('lets anybody claim the chunk once the lease is over, and fences the first holder', async (scene) => {
    const { expect } = scene
    const { lease, chunkId, ids } = await scene.submitLeased({ size: 2 })
    await scene.advance(LEASE_MS - 1)
    expect(await scene.claim({ workerId: 'other' })).toEqual([])
    await scene.advance(2)
    const taken = await scene.claimOne({ workerId: 'other' })
    expect(taken).toMatchObject({ chunkId, expiries: 1 })
    expect(taken.token).toBeGreaterThan((lease as Lease).token)
    expect(await scene.settle(lease as Lease, { updates: [dying(0)] })).toBe('stale')
    expect(await scene.settle(taken)).toBe('ok')
    expect(await scene.states(ids)).toEqual(['succeeded', 'succeeded'])
  })

  test(
    'is seen by other processes',
    async (scene) => {
      const { expect, subject } = scene
      const other = await subject.reopen?.()
      const { ids } = await scene.submitLeased()
      expect((await other?.reader.get(ids))?.map((view) => view?.state)).toEqual(['running'])
      const request = { queue: 'main', types: ['work'], chunksMax: 9, commandsMax: 9, leaseMs: LEASE_MS }
      expect(await other?.claim({ ...request, workerId: 'other' })).toEqual([])
      await scene.advance(LEASE_MS + 1)
      expect(await other?.claim({ ...request, workerId: 'other' })).toHaveLength(1)
    },
    needsReopen,
  )
}

function telling({ test }: Suite): void {
  test('wakes nobody for what it leased, and somebody for what it left to claims', async (scene) => {
    const { expect, store } = scene
    await store.control.configureQueue('limited', { leasesMax: 1 })
    const heard: [queue: string, commands: number][] = []
    store.wake.subscribe((queue, commands) => {
      heard.push([queue, commands])
    })
    await scene.append([scene.draft({ size: 3 }), scene.draft({ queue: 'limited', size: 2 })], {
      lease: LEASE,
    })
    expect(heard).toEqual([])
    await scene.append([scene.draft({ size: 3 }), scene.draft({ queue: 'limited', size: 5 })], {
      lease: LEASE,
    })
    expect(heard).toEqual([['limited', 5]])
    await scene.append([scene.draft({ partition: 1, size: 4 })], { lease: LEASE })
    expect(heard.slice(1)).toEqual([['main', 4]])
  })
}
