// Queue settings: pauses and limits that every process on the store obeys, exactly and at once.

import { PAUSE_REASON_MAX } from '../../../domain/index.js'
import { LEASE_MS, type Scene } from '../scene.js'
import { needsReopen, type Suite, type Theme } from '../suite.js'
import { retrying } from '../updates.js'

const DEFAULTS = { paused: false, pauseReason: null, leasesMax: null }

export const queueSettingsTheme: Theme = {
  name: 'queue settings',
  define(suite) {
    configuring(suite)
    pausing(suite)
    limiting(suite)
    racing(suite)
  },
}

function submitMany(scene: Scene, count: number, queue = 'main'): Promise<unknown> {
  return scene.append(Array.from({ length: count }, () => scene.draft({ queue })))
}

function configuring({ test }: Suite): void {
  test('changes what is named, leaves the rest, and answers with the whole', async (scene) => {
    const { expect, store } = scene
    const configure = store.control.configureQueue
    expect(await configure('main', {})).toEqual(DEFAULTS)
    expect(await configure('main', { leasesMax: 3 })).toEqual({ ...DEFAULTS, leasesMax: 3 })
    const paused = { paused: true, pauseReason: 'the bank is closed', leasesMax: 3 }
    expect(await configure('main', { paused: true, pauseReason: 'the bank is closed' })).toEqual(paused)
    expect(await configure('main', { leasesMax: 4 })).toEqual({ ...paused, leasesMax: 4 })
    expect(await configure('main', { leasesMax: null })).toEqual({ ...paused, leasesMax: null })
  })

  test('clears the reason when the queue goes on, and takes none for a queue that is not paused', async (scene) => {
    const { expect, store } = scene
    const configure = store.control.configureQueue
    await configure('main', { paused: true, pauseReason: 'why' })
    expect(await configure('main', { paused: false })).toEqual(DEFAULTS)
    expect(await configure('main', { paused: true })).toEqual({ ...DEFAULTS, paused: true })
    expect(await configure('main', { paused: false, pauseReason: 'why' })).toEqual(DEFAULTS)
  })

  test('keeps a reason as it is written, up to its bound', async (scene) => {
    const { expect, store } = scene
    const reason = `Zürich's "ledger"\n\\ 100 % \u{1F512} ${'x'.repeat(PAUSE_REASON_MAX)}`
    const { pauseReason } = await store.control.configureQueue('main', { paused: true, pauseReason: reason })
    expect(pauseReason).toBe(reason.slice(0, PAUSE_REASON_MAX))
    expect((await store.control.queueSettings()).get('main')?.pauseReason).toBe(pauseReason)
  })

  test('lists the queues that are not as any queue is, by name', async (scene) => {
    const { expect, store } = scene
    await scene.submit()
    expect([...(await store.control.queueSettings())]).toEqual([])
    await store.control.configureQueue('main', { leasesMax: 1 })
    await store.control.configureQueue('elsewhere', { paused: true, pauseReason: 'why' })
    await store.control.configureQueue('as any', { leasesMax: null })
    expect([...(await store.control.queueSettings())]).toEqual([
      ['elsewhere', { paused: true, pauseReason: 'why', leasesMax: null }],
      ['main', { ...DEFAULTS, leasesMax: 1 }],
    ])
    await store.control.configureQueue('main', { leasesMax: null })
    await store.control.configureQueue('elsewhere', { paused: false })
    expect([...(await store.control.queueSettings())]).toEqual([])
  })
}

function pausing({ test }: Suite): void {
  test('knows which queues are paused, however often it was told', async (scene) => {
    const { expect, store } = scene
    const paused = async () => [...(await store.control.queueSettings()).keys()]
    for (const queue of ['main', 'main', 'never used'])
      await store.control.configureQueue(queue, { paused: true })
    expect(await paused()).toEqual(['main', 'never used'])
    for (const queue of ['main', 'main']) await store.control.configureQueue(queue, { paused: false })
    expect(await paused()).toEqual(['never used'])
  })

  test('lets what is running in a paused queue end', async (scene) => {
    const { expect, store } = scene
    const { ids } = await scene.submit()
    const lease = await scene.claimOne()
    await store.control.configureQueue('main', { paused: true })
    expect(await scene.extend(lease)).toBe('ok')
    expect(await scene.settle(lease)).toBe('ok')
    expect(await scene.states(ids)).toEqual(['succeeded'])
  })

  test(
    'pauses a queue for every process',
    async (scene) => {
      const { expect, store, subject } = scene
      const other = await subject.reopen?.()
      await scene.submit()
      await other?.control.configureQueue('main', { paused: true, pauseReason: 'why' })
      expect(await scene.claim()).toEqual([])
      expect((await store.control.queueSettings()).get('main')?.pauseReason).toBe('why')
      await store.control.configureQueue('main', { paused: false })
      expect([...((await other?.control.queueSettings()) ?? [])]).toEqual([])
      expect(await scene.claim()).toHaveLength(1)
    },
    needsReopen,
  )
}

function limiting({ test }: Suite): void {
  test('leases no more chunks of a queue at once than its limit, whoever asks', async (scene) => {
    const { expect, store } = scene
    await store.control.configureQueue('main', { leasesMax: 3 })
    await submitMany(scene, 6)
    const [first] = await scene.claim({ chunksMax: 2 })
    expect(await scene.claim({ workerId: 'worker-2' })).toHaveLength(1)
    expect(await scene.claim({ workerId: 'worker-3' })).toEqual([])
    await scene.settle(first as NonNullable<typeof first>)
    expect(await scene.claim({ workerId: 'worker-3' })).toHaveLength(1)
    expect(await scene.claim()).toEqual([])
  })

  test('limits each queue by itself', async (scene) => {
    const { expect, store } = scene
    await store.control.configureQueue('main', { leasesMax: 1 })
    await submitMany(scene, 3)
    await submitMany(scene, 3, 'elsewhere')
    expect(await scene.claim({ queue: 'elsewhere' })).toHaveLength(3)
    expect(await scene.claim()).toHaveLength(1)
  })

  test('counts chunks of all types of the queue', async (scene) => {
    const { expect, store } = scene
    await store.control.configureQueue('main', { leasesMax: 1 })
    await scene.append([scene.draft({ type: 'work' }), scene.draft({ type: 'other' })])
    expect(await scene.claim({ types: ['other'] })).toHaveLength(1)
    expect(await scene.claim({ types: ['work'] })).toEqual([])
  })

  test('is given back by a release, and by a settlement that leaves commands to retry', async (scene) => {
    const { expect, store } = scene
    await store.control.configureQueue('main', { leasesMax: 1 })
    await submitMany(scene, 3)
    expect(await scene.extend(await scene.claimOne(), { release: true })).toBe('ok')
    await scene.settle(await scene.claimOne(), { updates: [retrying(0, 60_000)] })
    await scene.claimOne()
    expect(await scene.claim()).toEqual([])
  })

  test('counts expired leases as free, and the chunks that are claimed in their place as taken', async (scene) => {
    const { expect, store } = scene
    await store.control.configureQueue('main', { leasesMax: 2 })
    await submitMany(scene, 5)
    expect(await scene.claim()).toHaveLength(2)
    await scene.advance(LEASE_MS / 2)
    expect(await scene.claim()).toEqual([])
    await scene.advance(LEASE_MS / 2 + 1)
    const again = await scene.claim()
    expect(again.map(({ expiries }) => expiries)).toEqual([1, 1])
    expect(await scene.claim()).toEqual([])
  })

  test('counts a lease that was prolonged in time as taken', async (scene) => {
    const { expect, store } = scene
    await store.control.configureQueue('main', { leasesMax: 1 })
    await submitMany(scene, 2)
    const lease = await scene.claimOne()
    await scene.advance(LEASE_MS / 2)
    await scene.extend(lease)
    await scene.advance(LEASE_MS / 2 + 1)
    expect(await scene.claim()).toEqual([])
    await scene.advance(LEASE_MS / 2)
    expect(await scene.claim()).toHaveLength(1)
  })

  test('obeys a lower limit by claiming nothing until enough has ended, and a higher one at once', async (scene) => {
    const { expect, store } = scene
    await submitMany(scene, 8)
    const leases = await scene.claim({ chunksMax: 4 })
    await store.control.configureQueue('main', { leasesMax: 2 })
    for (const lease of leases.slice(0, 2)) {
      await scene.settle(lease)
      expect(await scene.claim()).toEqual([])
    }
    await scene.settle(leases[2] as (typeof leases)[0])
    expect(await scene.claim()).toHaveLength(1)
    await store.control.configureQueue('main', { leasesMax: 4 })
    expect(await scene.claim()).toHaveLength(2)
    await store.control.configureQueue('main', { leasesMax: null })
    expect(await scene.claim()).toHaveLength(1)
  })
}

function racing({ test }: Suite): void {
  test('holds its limit exactly when many claim at once', async (scene) => {
    const { expect, store } = scene
    await store.control.configureQueue('main', { leasesMax: 5 })
    await submitMany(scene, 40)
    const claims = await Promise.all(
      Array.from({ length: 12 }, (_, n) => scene.claim({ workerId: `w${n}`, chunksMax: 3 })),
    )
    expect(claims.flat()).toHaveLength(5)
  })

  test(
    'holds its limit exactly when several processes claim and settle at once, expired leases included',
    async (scene) => {
      const { expect, store, subject } = scene
      const other = await subject.reopen?.()
      const third = await subject.reopen?.()
      const handles = [store, other, third]
      await store.control.configureQueue('main', { leasesMax: 4 })
      await submitMany(scene, 60)
      const request = { queue: 'main', types: ['work'], chunksMax: 3, commandsMax: 100, leaseMs: LEASE_MS }
      for (let round = 0; round < 5; round += 1) {
        const claims = await Promise.all(
          Array.from({ length: 9 }, (_, n) => handles[n % 3]?.claim({ ...request, workerId: `w${n}` }) ?? []),
        )
        const leases = claims.flat()
        expect(leases, `leases of round ${round}`).toHaveLength(4)
        if (round % 2 === 0) await scene.advance(LEASE_MS + 1)
        else await Promise.all(leases.map((lease, n) => settleOn(handles[n % 3], lease)))
      }
      await store.control.configureQueue('main', { leasesMax: null })
    },
    needsReopen,
  )
}

async function settleOn(
  handle: Scene['store'] | undefined,
  { chunkId, token }: { readonly chunkId: string; readonly token: number },
): Promise<void> {
  await handle?.settle([{ chunkId, token, updates: [], finished: [], complete: true }])
}
