// What follows from outcomes (a callback, a next step) is stored in the commit that writes them: never without them, never
// twice, and not at all for a lease that is gone.

import type { ChunkDraft, CommandUpdate } from '../../../domain/index.js'
import { LEASE_MS, type Scene, settlementOf } from '../scene.js'
import { steps } from '../steps.js'
import { needsTransactions, type Suite, type Theme } from '../suite.js'
import { failing, retrying } from '../updates.js'

const QUEUE = 'callbacks'

function following(scene: Scene, payload: unknown = 'told'): ChunkDraft {
  return scene.draft({ queue: QUEUE, payloads: [payload] })
}

/** Payloads of what follows, all of which ends with this. */
async function followed(scene: Scene): Promise<unknown[]> {
  const leases = await scene.claim({ queue: QUEUE })
  for (const lease of leases) await scene.settle(lease)
  return leases.flatMap(({ body }) => JSON.parse(body))
}

export const appendsInSettleTheme: Theme = {
  name: 'appends in a settlement',
  define(suite) {
    storing(suite)
    fencing(suite)
    within(suite)
  },
}

function storing({ test }: Suite): void {
  test('stores what follows with the outcomes, ready at once', async (scene) => {
    const { expect, store } = scene
    await scene.submit({ size: 2 })
    const appends = [following(scene, 1), following(scene, 2)]
    expect(await scene.settle(await scene.claimOne(), { updates: [failing(0)], appends })).toBe('ok')
    expect(await store.reader.accounting()).toMatchObject({ accepted: 4, ready: 2, failed: 1, succeeded: 1 })
    const ids = appends.map(({ id }) => `${id}-0`)
    expect(await scene.view(ids[0])).toMatchObject({
      state: 'accepted',
      queue: QUEUE,
      acceptedAt: scene.now(),
    })
    expect(await followed(scene)).toEqual([1, 2])
    expect(await scene.states(ids)).toEqual(['succeeded', 'succeeded'])
  })

  test('stores what follows from progress and from a release', async (scene) => {
    const { expect } = scene
    await scene.submit({ size: 3 })
    const lease = await scene.claimOne()
    expect(await scene.extend(lease, { finished: [0], appends: [following(scene, 'progress')] })).toBe('ok')
    expect(await followed(scene)).toEqual(['progress'])
    const released = { finished: [1], release: true, appends: [following(scene, 'release')] }
    expect(await scene.extend(lease, released)).toBe('ok')
    expect(await followed(scene)).toEqual(['release'])
    const part = { finished: [2], complete: false, appends: [following(scene, 'part')] }
    expect(await scene.settle(await scene.claimOne(), part)).toBe('ok')
    expect(await followed(scene)).toEqual(['part'])
  })

  test('stores a chunk of one id once, whoever sends it', async (scene) => {
    const { expect, store } = scene
    const draft = following(scene)
    await scene.append([scene.draft(), scene.draft()])
    const [one, other] = await scene.claim()
    const lease = one as NonNullable<typeof one>
    await scene.extend(lease, { appends: [draft] })
    await scene.settle(lease, { appends: [draft, draft] })
    await scene.append([draft])
    await scene.settle(other as NonNullable<typeof other>, { appends: [draft] })
    expect((await store.reader.accounting()).accepted).toBe(3)
    expect(await followed(scene)).toEqual(['told'])
    await scene.append([draft])
    expect(await followed(scene)).toEqual([])
  })

  test('does not look at keys, and keeps none', async (scene) => {
    const { expect } = scene
    await scene.submit({ payloads: ['p'], keys: ['k'] })
    const keyed = scene.draft({ queue: QUEUE, payloads: ['p', 'q'], keys: ['k', 'other'] })
    expect(await scene.settle(await scene.claimOne(), { appends: [keyed] })).toBe('ok')
    expect(await followed(scene)).toEqual(['p', 'q'])
    expect((await scene.submit({ payloads: ['q'], keys: ['other'] })).verdicts).toBe(null)
  })

  test('stores what follows later', async (scene) => {
    const { expect } = scene
    await scene.submit()
    const parked = [{ state: 'scheduled', nextAt: scene.now() + 1_000, attempts: 0, error: null }] as const
    const draft = scene.draft({ queue: QUEUE, payloads: ['later'], parked })
    await scene.settle(await scene.claimOne(), { appends: [draft] })
    expect(await scene.states([`${draft.id}-0`])).toEqual(['scheduled'])
    expect(await followed(scene)).toEqual([])
    await scene.promoteAfter(1_000)
    expect(await followed(scene)).toEqual(['later'])
  })

  test('tells of what follows', async (scene) => {
    const { expect, store } = scene
    await scene.submit()
    const lease = await scene.claimOne()
    const heard: string[] = []
    store.wake.subscribe((queue) => heard.push(queue))
    await scene.settle(lease, { appends: [following(scene)] })
    expect(heard.includes(QUEUE)).toBe(true)
    await followed(scene)
  })
}

function fencing({ test }: Suite): void {
  test('stores nothing for a lease that is gone, also when it is sent again (I5)', async (scene) => {
    const { expect, store } = scene
    await scene.submit({ size: 2 })
    const late = await scene.claimOne()
    await scene.advance(LEASE_MS + 1)
    const current = await scene.claimOne()
    const stale = { updates: [failing(0)], appends: [following(scene)] }
    expect(await scene.settle(late, stale)).toBe('stale')
    expect(await scene.extend(late, stale)).toBe('stale')
    expect(await scene.settle({ ...current, token: current.token + 1 }, stale)).toBe('stale')
    expect(await scene.settle(current)).toBe('ok')
    expect(await scene.settle(current, stale)).toBe('stale')
    expect((await store.reader.accounting()).accepted).toBe(2)
    expect(await followed(scene)).toEqual([])
  })

  test('stores what follows from the good ones of a list', async (scene) => {
    const { expect, store } = scene
    await scene.append([scene.draft(), scene.draft(), scene.draft()])
    const leases = await scene.claim()
    const items = leases.map((lease, at) => ({
      ...settlementOf(at === 1 ? { ...lease, token: lease.token + 5 } : lease),
      ...(at === 2 ? { updates: [retrying(0, 60_000)] } : {}),
      appends: [following(scene, at)],
    }))
    expect(await store.settle(items)).toEqual(['ok', 'stale', 'ok'])
    expect(await followed(scene)).toEqual([0, 2])
    const [, lost] = leases
    expect(await scene.settle(lost as NonNullable<typeof lost>, { appends: [following(scene, 'own')] })).toBe(
      'ok',
    )
    expect(await followed(scene)).toEqual(['own'])
  })

  test('stores what follows once when a settlement is sent twice at once', async (scene) => {
    const { expect } = scene
    await scene.submit()
    const lease = await scene.claimOne()
    const progress = { updates: [failing(0)] as CommandUpdate[], appends: [following(scene)] }
    const verdicts = await Promise.all([scene.settle(lease, progress), scene.settle(lease, progress)])
    expect([...verdicts].sort()).toEqual(['ok', 'stale'])
    expect(await followed(scene)).toEqual(['told'])
  })
}

function within({ test }: Suite): void {
  test(
    'stores what follows with the effects of a handler, or neither',
    async (scene) => {
      const { expect, store } = scene
      await scene.submit()
      const lease = await scene.claimOne()
      const crash = new Error('crashed in the handler')
      const settling = (error: Error | null) =>
        store.settleWithin([lease], () =>
          steps(function* () {
            yield null
            if (error !== null) throw error
            return [settlementOf(lease, { appends: [following(scene)] })]
          }),
        )
      expect(await settling(crash).catch((error) => error)).toBe(crash)
      expect(await followed(scene)).toEqual([])
      expect(await settling(null)).toEqual(['ok'])
      expect(await followed(scene)).toEqual(['told'])
    },
    needsTransactions,
  )
}
