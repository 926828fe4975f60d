// Repeats of callers that had their ids before anybody looked at their keys: those ids answer the command they repeat. And a chunk
// of nothing but repeats, of which there is nothing to store, is remembered for whoever asks for that.

import type { ParkedDraft } from '../../../domain/index.js'
import { isSpillwayError } from '../../../errors/index.js'
import { rejectionOf } from '../rejection.js'
import { DAY_MS, LEASE_MS, type Scene } from '../scene.js'
import { needsReopen, type Suite, type Theme } from '../suite.js'
import { failing } from '../updates.js'

const LEASE = { workerId: 'worker-1', leaseMs: LEASE_MS }

export const repeatsTheme: Theme = {
  name: 'repeats',
  define(suite) {
    answering(suite)
    remembering(suite)
    forgetting(suite)
  },
}

function answering({ test }: Suite): void {
  test('answers the first command for a repeat, whatever becomes of it', async (scene) => {
    const { expect, store } = scene
    const first = await scene.submit({ payloads: ['p'], keys: ['k'] })
    const mixed = await scene.submit({ payloads: ['p', 'x'], keys: ['k', null], queue: 'elsewhere' })
    const repeat = mixed.ids[0] as string
    expect(await scene.view(repeat)).toEqual(await scene.view(first.ids[0]))
    expect(await scene.view(repeat)).toMatchObject({ id: first.ids[0], queue: 'main', payload: '"p"' })
    await scene.settle(await scene.claimOne(), { updates: [failing(0)] })
    expect(await store.reader.get([repeat])).toEqual(await store.reader.get(first.ids))
    expect((await scene.view(repeat)).state).toBe('failed')
  })

  test('answers nothing for a conflict', async (scene) => {
    await scene.submit({ payloads: ['p'], keys: ['k'] })
    const mixed = await scene.submit({ payloads: ['q', 'x'], keys: ['k', null] })
    scene.expect(await scene.states(mixed.ids)).toEqual([null, 'accepted'])
  })

  test('answers repeats in the order asked, among commands of their own', async (scene) => {
    const { expect, store } = scene
    const { ids } = await scene.submit({
      payloads: ['p', 'p', 'x', 'q', 'p'],
      keys: ['k', 'k', null, 'k', 'k'],
    })
    const asked = [ids[4], ids[2], 'nonsense', ids[1], ids[3], ids[0], ids[4]] as string[]
    const views = await store.reader.get(asked, { payload: true })
    expect(views.map((view) => view?.id ?? null)).toEqual([
      ids[0],
      ids[2],
      null,
      ids[0],
      null,
      ids[0],
      ids[0],
    ])
    expect(views.map((view) => view?.payload ?? null)).toEqual([
      '"p"',
      '"x"',
      null,
      '"p"',
      null,
      '"p"',
      '"p"',
    ])
  })

  test('answers repeats of many chunks at once', async (scene) => {
    const { expect, store } = scene
    const numbers = Array.from({ length: 300 }, (_, n) => n)
    const keys = numbers.map((n) => `k${n}`)
    const first = await scene.submit({ payloads: numbers, keys })
    const again = await scene.append(
      [0, 1, 2].map((n) => scene.draft({ payloads: [...numbers, n], keys: [...keys, null] })),
    )
    const repeats = again.flatMap(({ ids }) => ids.slice(0, 300))
    const views = await store.reader.get(repeats)
    expect(views.map((view) => view?.id)).toEqual([...first.ids, ...first.ids, ...first.ids])
  })

  test('answers the first for a repeat that would have been parked', async (scene) => {
    const { expect } = scene
    const due: ParkedDraft = { state: 'scheduled', nextAt: scene.now() + 1_000, attempts: 0, error: null }
    const first = await scene.submit({ payloads: ['p'], keys: ['k'], parked: [due] })
    const later = await scene.submit({
      payloads: ['p', 'x', 'gap'],
      keys: ['k', null, null],
      parked: [due, due, null],
    })
    expect(await scene.view(later.ids[0])).toMatchObject({ id: first.ids[0], state: 'scheduled' })
    expect(await scene.states(later.ids)).toEqual(['scheduled', 'scheduled', null])
  })

  test('answers nothing once the first command is pruned', async (scene) => {
    const { expect } = scene
    await scene.submit({ payloads: ['p'], keys: ['k'], windowMs: 9 * DAY_MS })
    await scene.settle(await scene.claimOne())
    const mixed = await scene.submit({ payloads: ['p', 'x'], keys: ['k', null] })
    expect(await scene.states(mixed.ids)).toEqual(['succeeded', 'accepted'])
    await scene.advance(DAY_MS + 1)
    await scene.prune()
    expect(await scene.states(mixed.ids)).toEqual([null, 'accepted'])
  })

  test('changes nothing about the first command through the id of a repeat', async (scene) => {
    const { expect, store } = scene
    await scene.submit({ payloads: ['p'], keys: ['k'] })
    const [repeat] = await submitRepeats(scene, ['p'], ['k'])
    expect(await store.control.cancel([repeat as string])).toEqual(['not_found'])
    expect(await store.control.redrive([repeat as string])).toEqual(['not_found'])
    expect(await store.control.discard([repeat as string])).toEqual(['not_found'])
    expect((await scene.view(repeat)).state).toBe('accepted')
  })

  test('does not list what was not stored', async (scene) => {
    const { expect, store } = scene
    const first = await scene.submit({ payloads: ['p'], keys: ['k'] })
    await submitRepeats(scene, ['p', 'p'], ['k', 'k'])
    const last = await scene.submit({ payloads: ['p', 'x'], keys: ['k', null] })
    for (const filter of [{}, { state: 'accepted' as const }, { queue: 'main', type: 'work' }]) {
      const { items } = await store.reader.list({ ...filter, limit: 10 })
      expect(items.map(({ id }) => id)).toEqual([last.ids[1], first.ids[0]])
    }
    expect((await store.reader.list({ state: 'succeeded', limit: 10 })).items).toEqual([])
  })
}

/** A chunk of nothing but repeats, remembered; its ids. */
async function submitRepeats(scene: Scene, payloads: unknown[], keys: string[]): Promise<readonly string[]> {
  const [submitted] = await scene.append([scene.draft({ payloads, keys })], { remember: true })
  return submitted?.ids ?? []
}

function remembering({ test }: Suite): void {
  for (const [how, options] of [
    ['is asked to', { remember: true }],
    ['would lease it', { lease: LEASE }],
  ] as const) {
    test(`remembers a chunk of nothing but repeats when it ${how}`, async (scene) => {
      const { expect, store } = scene
      const window = { windowMs: 60_000 }
      const first = await scene.submit({ payloads: [1, 2], keys: ['a', 'b'], ...window })
      const draft = scene.draft({ payloads: [2, 9, 2], keys: ['b', 'a', 'b'], ...window })
      const [said] = await scene.append([draft], options)
      expect(said?.verdicts).toEqual([
        { status: 'duplicate', id: first.ids[1] },
        { status: 'conflict', id: first.ids[0] },
        { status: 'duplicate', id: first.ids[1] },
      ])
      const views = await store.reader.get(said?.ids ?? [], { payload: true })
      expect(views.map((view) => [view?.id, view?.payload])).toEqual([
        [first.ids[1], '2'],
        [undefined, undefined],
        [first.ids[1], '2'],
      ])
      await scene.advance(60_001)
      const [again] = await scene.append([draft], options)
      expect(again, 'recognised without its keys').toEqual(said)
      expect(await store.append([draft])).toEqual([{ createdAt: said?.createdAt, verdicts: said?.verdicts }])
      expect(await scene.claim()).toHaveLength(1)
    })
  }

  test('remembers a chunk of one whose key is known', async (scene) => {
    const { expect } = scene
    const first = await scene.submit({ payloads: ['p'], keys: ['k'], windowMs: 60_000 })
    const [repeat] = await submitRepeats(scene, ['p'], ['k'])
    expect((await scene.view(repeat)).id).toBe(first.ids[0])
    await scene.advance(60_001)
    expect(await scene.prune()).toMatchObject({ chunks: 0, commands: 0 })
    const { verdicts } = await scene.submit({ payloads: ['p'], keys: ['k'] })
    expect(verdicts, 'the key is free').toBe(null)
  })

  test('takes no key and frees none for what it remembers', async (scene) => {
    const { expect } = scene
    const first = await scene.submit({ payloads: ['p'], keys: ['k'] })
    await submitRepeats(scene, ['p'], ['k'])
    await scene.advance(DAY_MS - 1)
    await scene.prune({ retentionMs: 0 })
    const { verdicts } = await scene.submit({ payloads: ['p'], keys: ['k'] })
    expect(verdicts).toEqual([{ status: 'duplicate', id: first.ids[0] }])
  })

  test('counts nothing for what it remembers, and tells nobody', async (scene) => {
    const { expect, store } = scene
    await scene.submit({ payloads: ['p'], keys: ['k'] })
    const [accounting, queues] = [await store.reader.accounting(), await store.reader.queues()]
    const heard: string[] = []
    store.wake.subscribe((queue) => {
      heard.push(queue)
    })
    await submitRepeats(scene, ['p', 'p'], ['k', 'k'])
    expect(await store.reader.accounting()).toEqual(accounting)
    expect(await store.reader.queues()).toEqual(queues)
    expect(heard).toEqual([])
    expect(await store.readyTenants('main', ['work'], 10)).toHaveLength(1)
    expect(await scene.claim()).toHaveLength(1)
  })

  test('keeps the order of a partition free of what it remembers', async (scene) => {
    const { expect, store } = scene
    await scene.submit({ payloads: ['p'], keys: ['k'], queue: 'elsewhere' })
    const ordered = scene.draft({ payloads: ['p'], keys: ['k'], partition: 1 })
    expect((await scene.append([ordered], { remember: true }))[0]?.verdicts).toHaveLength(1)
    const next = await scene.submit({ partition: 1 })
    expect((await scene.claimOne()).chunkId).toBe(next.chunkId)
    expect((await store.reader.get([`${ordered.id}-0`]))[0]?.queue).toBe('elsewhere')
  })

  test('stores and remembers side by side', async (scene) => {
    const { expect } = scene
    const first = await scene.submit({ payloads: ['p'], keys: ['k'], queue: 'elsewhere' })
    const [repeat, fresh, follower] = await scene.append(
      [
        scene.draft({ payloads: ['p'], keys: ['k'] }),
        scene.draft({ payloads: ['q'], keys: ['l'] }),
        scene.draft({ payloads: ['q'], keys: ['l'] }),
      ],
      { remember: true },
    )
    expect((await scene.view(repeat?.ids[0])).id).toBe(first.ids[0])
    expect((await scene.view(follower?.ids[0])).id).toBe(fresh?.ids[0])
    expect((await scene.claimOne()).chunkId).toBe(fresh?.chunkId)
  })

  test('stores nothing of a chunk of repeats for whoever does not ask', async (scene) => {
    const { expect } = scene
    await scene.submit({ payloads: ['p'], keys: ['k'] })
    const repeat = await scene.submit({ payloads: ['p'], keys: ['k'] })
    expect(await scene.states(repeat.ids)).toEqual([null])
  })

  test('goes neither with a transaction of the caller nor with `atomic`', async (scene) => {
    const { expect, store } = scene
    for (const options of [{ tx: {} }, { atomic: true }]) {
      const error = await rejectionOf(store.append([scene.draft()], { ...options, remember: true }))
      expect(isSpillwayError(error, 'invalid_argument')).toBe(true)
    }
  })
}

function forgetting({ test }: Suite): void {
  test('forgets a remembered chunk like any that succeeded', async (scene) => {
    const { expect } = scene
    await scene.submit({ payloads: ['p'], keys: ['k'], windowMs: 9 * DAY_MS })
    const [repeat] = await submitRepeats(scene, ['p'], ['k'])
    await scene.advance(DAY_MS - 1)
    expect(await scene.prune()).toMatchObject({ chunks: 0, commands: 0 })
    expect((await scene.view(repeat)).state).toBe('accepted')
    await scene.advance(2)
    expect(await scene.prune()).toMatchObject({ chunks: 1, commands: 0 })
    expect(await scene.states([repeat as string])).toEqual([null])
  })

  test(
    'remembers across processes',
    async (scene) => {
      const { expect, subject, store } = scene
      const first = await scene.submit({ payloads: ['p'], keys: ['k'] })
      const ids = await submitRepeats(scene, ['p'], ['k'])
      await store.close()
      const other = await subject.reopen?.()
      expect((await other?.reader.get(ids))?.map((view) => view?.id)).toEqual(first.ids)
      await store.open()
    },
    needsReopen,
  )
}
