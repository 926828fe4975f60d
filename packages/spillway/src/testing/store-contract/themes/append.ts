// Append: durable chunks in, one verdict per command out, however often and however concurrently it is called.

import { CHUNK_COMMANDS_MAX } from '../../../domain/index.js'
import { isSpillwayError } from '../../../errors/index.js'
import { rejectionOf } from '../rejection.js'
import { DAY_MS } from '../scene.js'
import type { Suite, Theme } from '../suite.js'

export const appendTheme: Theme = {
  name: 'append',
  define(suite) {
    storing(suite)
    resending(suite)
    taking(suite)
  },
}

function storing({ test }: Suite): void {
  test('accepts every command of a chunk, at the time of its own clock', async (scene) => {
    const { expect } = scene
    const [result] = await scene.store.append([scene.draft({ size: 3 })])
    expect(result).toEqual({ createdAt: scene.now(), verdicts: null })
  })

  test('answers an empty list with an empty list', async ({ store, expect }) => {
    expect(await store.append([])).toEqual([])
  })

  test('shows stored commands as accepted, with what they were submitted as', async (scene) => {
    const { expect } = scene
    const { ids, createdAt } = await scene.submit({ payloads: ['a', { b: [1, 2] }], priority: 7 })
    await scene.advance(1_000)
    expect(await scene.view(ids[1])).toEqual({
      id: ids[1],
      type: 'work',
      queue: 'main',
      state: 'accepted',
      priority: 7,
      attempts: 0,
      acceptedAt: createdAt,
      nextAt: null,
      finishedAt: null,
      error: null,
      result: null,
      generation: 0,
      stage: 'execute',
      memo: null,
      fingerprint: null,
      history: [],
      payload: '{"b":[1,2]}',
    })
  })

  for (const size of [1, CHUNK_COMMANDS_MAX]) {
    test(`stores a chunk of ${size} and gives its body to a worker unchanged`, async (scene) => {
      const { expect } = scene
      const draft = scene.draft({ size })
      await scene.store.append([draft])
      const lease = await scene.claimOne()
      expect(lease.body).toBe(draft.body)
      expect(lease).toMatchObject({ size, skip: [], members: null })
    })
  }

  test('keeps any text of a payload and a key as it is', async (scene) => {
    const { expect } = scene
    const texts = [
      'ünï → 😀',
      `'single' "double" \`tick\``,
      'back\\slash',
      'nul \u0000 inside',
      '\u2028 new\nline',
      '',
      '%_$1?:x',
    ]
    const keys = texts.map((text) => `key ${text}`)
    const first = await scene.submit({ payloads: texts, keys })
    const views = await scene.store.reader.get(first.ids, { payload: true })
    expect(views.map((view) => JSON.parse(view?.payload ?? 'null'))).toEqual(texts)
    const again = await scene.submit({ payloads: texts, keys })
    expect(again.verdicts).toEqual(first.ids.map((id) => ({ status: 'duplicate', id })))
  })

  test('tells keys apart that differ in case, trailing space or behind a NUL', async (scene) => {
    const keys = ['a', 'A', 'a ', 'a\u0000', 'a\u0000b', 'ä', 'a\u0308']
    const { verdicts } = await scene.submit({ size: keys.length, keys })
    scene.expect(verdicts).toBe(null)
  })

  test('keeps many chunks of one call apart', async (scene) => {
    const { expect } = scene
    const drafts = Array.from({ length: 70 }, (_, n) =>
      scene.draft({ payloads: [n], priority: 0 - n, queue: `q${n % 7}` }),
    )
    const submitted = await scene.append(drafts)
    const views = await scene.store.reader.get(
      submitted.map(({ ids }) => ids[0] as string),
      { payload: true },
    )
    expect(views.map((view) => [view?.payload, view?.priority, view?.queue])).toEqual(
      drafts.map((draft, n) => [String(n), draft.priority, `q${n % 7}`]),
    )
  })

  test('does not notice when its caller changes a draft or an answer afterwards', async (scene) => {
    const { expect } = scene
    const error = { code: 'timeout', message: 'late' }
    const parked = [{ state: 'retrying' as const, nextAt: scene.now() + 5, attempts: 1, error }]
    const draft = scene.draft({ parked })
    await scene.store.append([draft])
    error.message = 'changed'
    parked.pop()
    expect((await scene.view(`${draft.id}-0`)).error).toEqual({ code: 'timeout', message: 'late' })
  })

  test(
    'rejects a transaction of the caller where it cannot enlist in one',
    async (scene) => {
      const { expect, store } = scene
      const draft = scene.draft()
      const error = await rejectionOf(store.append([draft], { tx: {} }))
      expect(isSpillwayError(error, 'unsupported')).toBe(true)
      expect(await scene.states([`${draft.id}-0`])).toEqual([null])
    },
    ({ capabilities }) => (capabilities.transactionalAppend ? 'the store enlists in transactions' : null),
  )
}

function resending({ test }: Suite): void {
  test('stores nothing twice when the same chunk is sent again, and answers the same', async (scene) => {
    const { expect, store } = scene
    const draft = scene.draft({ size: 2, keys: ['a', null] })
    const first = await store.append([draft])
    await scene.advance(1_000)
    expect(await store.append([draft])).toEqual(first)
    expect((await store.reader.accounting()).accepted).toBe(2)
    expect(await scene.claim()).toHaveLength(1)
  })

  test('answers a resend with the verdicts of the first time, duplicates and conflicts included', async (scene) => {
    const { expect, store } = scene
    await scene.submit({ payloads: [1, 2], keys: ['a', 'b'] })
    const draft = scene.draft({ payloads: [1, 99, 3], keys: ['a', 'b', 'c'] })
    const first = await store.append([draft])
    expect(await store.append([draft])).toEqual(first)
    expect((await store.reader.accounting()).accepted).toBe(3)
  })

  test('recognises a resend of a chunk that is running or done', async (scene) => {
    const { expect, store } = scene
    const draft = scene.draft({ size: 2, keys: ['a', 'b'] })
    const first = await store.append([draft])
    const lease = await scene.claimOne()
    expect(await store.append([draft])).toEqual(first)
    await scene.settle(lease)
    expect(await store.append([draft])).toEqual(first)
    expect(await scene.claim()).toEqual([])
    expect(await scene.states([`${draft.id}-0`, `${draft.id}-1`])).toEqual(['succeeded', 'succeeded'])
  })

  test('recognises a chunk that comes twice in one call, or in two calls at once', async (scene) => {
    const { expect, store } = scene
    const draft = scene.draft({ size: 2, keys: ['a', 'b'] })
    const answers = await Promise.all([
      store.append([draft, draft]),
      store.append([draft]),
      store.append([draft]),
    ])
    expect(answers.flat().map((answer) => answer.verdicts)).toEqual([null, null, null, null])
    expect((await store.reader.accounting()).accepted).toBe(2)
  })

  test('answers a resent scheduled chunk the same and does not schedule it twice', async (scene) => {
    const { expect, store } = scene
    const draft = scene.draft({
      keys: ['a'],
      parked: [{ state: 'scheduled', nextAt: scene.now() + 10, attempts: 0, error: null }],
    })
    const first = await store.append([draft])
    expect(await store.append([draft])).toEqual(first)
    expect((await store.reader.accounting()).scheduled).toBe(1)
  })
}

/** Many calls at once: whatever their order, one of them is the first. */
function taking({ test }: Suite): void {
  test('gives one of many concurrent submits under a key the key, and the others its id', async (scene) => {
    const { expect } = scene
    const submitted = await Promise.all(
      Array.from({ length: 20 }, () => scene.submit({ payloads: ['same'], keys: ['k'] })),
    )
    const winners = submitted.filter(({ verdicts }) => verdicts === null)
    expect(winners).toHaveLength(1)
    const id = winners[0]?.ids[0]
    for (const { verdicts } of submitted) {
      if (verdicts !== null) expect(verdicts).toEqual([{ status: 'duplicate', id }])
    }
    expect((await scene.store.reader.accounting()).accepted).toBe(1)
  })

  test('stores every chunk of many concurrent calls', async (scene) => {
    const { expect } = scene
    await Promise.all(Array.from({ length: 50 }, () => scene.submit({ size: 3 })))
    expect((await scene.store.reader.accounting()).ready).toBe(150)
  })

  test('keeps a key for its window after the command ended', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.submit({ payloads: [1], keys: ['k'], windowMs: DAY_MS })
    await scene.settle(await scene.claimOne())
    const again = await scene.submit({ payloads: [1], keys: ['k'] })
    expect(again.verdicts).toEqual([{ status: 'duplicate', id: ids[0] }])
  })
}
