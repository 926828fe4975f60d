// Idempotency keys: (type, key) maps to one command for the key's window (I3): the same payload is a duplicate, another
// payload a conflict, and neither changes anything.

import type { ParkedDraft } from '../../../domain/index.js'
import type { Suite, Theme } from '../suite.js'

const ACCEPTED = { status: 'accepted' }

export const idempotencyTheme: Theme = {
  name: 'idempotency',
  define(suite) {
    verdicts(suite)
    expiry(suite)
    atomicity(suite)
  },
}

function verdicts({ test }: Suite): void {
  test('answers a repeat with the first id and stores nothing of it', async (scene) => {
    const { expect } = scene
    const first = await scene.submit({ payloads: ['p'], keys: ['k'] })
    const repeat = await scene.submit({ payloads: ['p'], keys: ['k'] })
    expect(repeat.verdicts).toEqual([{ status: 'duplicate', id: first.ids[0] }])
    expect((await scene.store.reader.accounting()).accepted).toBe(1)
    expect(await scene.states(repeat.ids)).toEqual([null])
    expect(await scene.claim()).toHaveLength(1)
  })

  test('answers another payload under the key with a conflict and changes nothing', async (scene) => {
    const { expect } = scene
    const first = await scene.submit({ payloads: ['p'], keys: ['k'] })
    const other = await scene.submit({ payloads: ['q'], keys: ['k'] })
    expect(other.verdicts).toEqual([{ status: 'conflict', id: first.ids[0] }])
    expect((await scene.view(first.ids[0])).payload).toBe('"p"')
    const repeat = await scene.submit({ payloads: ['p'], keys: ['k'] })
    expect(repeat.verdicts).toEqual([{ status: 'duplicate', id: first.ids[0] }])
  })

  test('resolves repeats inside one chunk in order: the first wins', async (scene) => {
    const { expect } = scene
    const { ids, verdicts } = await scene.submit({
      payloads: ['p', 'p', 'q', 'r'],
      keys: ['k', 'k', 'k', null],
    })
    expect(verdicts).toEqual([
      ACCEPTED,
      { status: 'duplicate', id: ids[0] },
      { status: 'conflict', id: ids[0] },
      ACCEPTED,
    ])
    expect(await scene.states([ids[0] as string, ids[2] as string, ids[3] as string])).toEqual([
      'accepted',
      null,
      'accepted',
    ])
    expect((await scene.store.reader.accounting()).accepted).toBe(2)
  })

  test('resolves repeats across the chunks of one call in order: the first wins', async (scene) => {
    const { expect } = scene
    const [first, second, third] = await scene.append([
      scene.draft({ payloads: ['p', 'x'], keys: ['k', null] }),
      scene.draft({ payloads: ['y', 'p'], keys: ['l', 'k'], priority: 9 }),
      scene.draft({ payloads: ['q', 'y'], keys: ['k', 'l'] }),
    ])
    expect(first?.verdicts).toBe(null)
    expect(second?.verdicts).toEqual([ACCEPTED, { status: 'duplicate', id: first?.ids[0] }])
    expect(third?.verdicts).toEqual([
      { status: 'conflict', id: first?.ids[0] },
      { status: 'duplicate', id: second?.ids[0] },
    ])
  })

  test('never runs a command that was a duplicate or a conflict', async (scene) => {
    const { expect } = scene
    await scene.submit({ payloads: ['p'], keys: ['k'], queue: 'elsewhere' })
    const mixed = await scene.submit({ payloads: ['p', 'x', 'q', 'y'], keys: ['k', null, 'k', 'l'] })
    const lease = await scene.claimOne()
    expect(lease.skip).toEqual([0, 2])
    await scene.settle(lease)
    expect(await scene.states(mixed.ids.slice(1))).toEqual(['succeeded', null, 'succeeded'])
    expect((await scene.store.reader.accounting()).succeeded).toBe(2)
  })

  test('does not store a chunk whose commands are all known', async (scene) => {
    const { expect } = scene
    await scene.submit({ payloads: [1, 2], keys: ['a', 'b'] })
    const again = await scene.submit({ payloads: [1, 2], keys: ['a', 'b'] })
    expect(await scene.states(again.ids)).toEqual([null, null])
    expect(await scene.claim()).toHaveLength(1)
    expect((await scene.store.reader.accounting()).accepted).toBe(2)
  })

  test('keeps the keys of different types apart, and those of different queues together', async (scene) => {
    const { expect } = scene
    const first = await scene.submit({ payloads: ['p'], keys: ['k'] })
    const otherType = await scene.submit({ payloads: ['q'], keys: ['k'], type: 'other' })
    const otherQueue = await scene.submit({ payloads: ['p'], keys: ['k'], queue: 'elsewhere' })
    expect(otherType.verdicts).toBe(null)
    expect(otherQueue.verdicts).toEqual([{ status: 'duplicate', id: first.ids[0] }])
  })

  test('gives the key of a scheduled command like any other', async (scene) => {
    const { expect } = scene
    const scheduled: ParkedDraft = {
      state: 'scheduled',
      nextAt: scene.now() + 60_000,
      attempts: 0,
      error: null,
    }
    const first = await scene.submit({ payloads: ['p'], keys: ['k'], parked: [scheduled] })
    const ready = await scene.submit({ payloads: ['p'], keys: ['k'] })
    const later = await scene.submit({
      payloads: ['p', 'n'],
      keys: ['k', 'l'],
      parked: [scheduled, scheduled],
    })
    expect(ready.verdicts).toEqual([{ status: 'duplicate', id: first.ids[0] }])
    expect(later.verdicts).toEqual([{ status: 'duplicate', id: first.ids[0] }, ACCEPTED])
    expect((await scene.store.reader.accounting()).scheduled).toBe(2)
  })

  test('resolves a thousand keys of which every second is known', async (scene) => {
    const { expect } = scene
    const even = Array.from({ length: 500 }, (_, n) => 2 * n)
    const known = await scene.submit({ payloads: even, keys: even.map((n) => `k${n}`) })
    const all = Array.from({ length: 1_000 }, (_, n) => n)
    const { verdicts } = await scene.submit({ payloads: all, keys: all.map((n) => `k${n}`) })
    expect(verdicts).toEqual(
      all.map((n) => (n % 2 === 0 ? { status: 'duplicate', id: known.ids[n / 2] } : ACCEPTED)),
    )
    expect((await scene.store.reader.accounting()).accepted).toBe(1_000)
  })
}

function expiry({ test }: Suite): void {
  test('forgets a key when its window is over, counted from the append', async (scene) => {
    const { expect } = scene
    const first = await scene.submit({ payloads: ['p'], keys: ['k'], windowMs: 10_000 })
    await scene.advance(9_999)
    const within = await scene.submit({ payloads: ['p'], keys: ['k'], windowMs: 10_000 })
    expect(within.verdicts).toEqual([{ status: 'duplicate', id: first.ids[0] }])
    await scene.advance(2)
    const after = await scene.submit({ payloads: ['q'], keys: ['k'], windowMs: 10_000 })
    expect(after.verdicts).toBe(null)
  })

  test('answers with the new command once an expired key was taken again', async (scene) => {
    const { expect } = scene
    await scene.submit({ payloads: ['old'], keys: ['k'], windowMs: 1_000 })
    await scene.advance(1_001)
    const renewed = await scene.submit({ payloads: ['new'], keys: ['k'], windowMs: 1_000 })
    await scene.advance(999)
    const repeat = await scene.submit({ payloads: ['new'], keys: ['k'] })
    expect(repeat.verdicts).toEqual([{ status: 'duplicate', id: renewed.ids[0] }])
    const conflict = await scene.submit({ payloads: ['old'], keys: ['k'] })
    expect(conflict.verdicts).toEqual([{ status: 'conflict', id: renewed.ids[0] }])
  })

  test('lets the first of several under an expired key in one chunk win', async (scene) => {
    const { expect } = scene
    await scene.submit({ payloads: ['old'], keys: ['k'], windowMs: 1_000 })
    await scene.advance(1_001)
    const { ids, verdicts } = await scene.submit({ payloads: ['a', 'a', 'b'], keys: ['k', 'k', 'k'] })
    expect(verdicts).toEqual([
      ACCEPTED,
      { status: 'duplicate', id: ids[0] },
      { status: 'conflict', id: ids[0] },
    ])
  })
}

function atomicity({ test }: Suite): void {
  test('stores nothing of an atomic call with one conflict, and says what would have been', async (scene) => {
    const { expect } = scene
    const known = await scene.submit({ payloads: ['p', 'd'], keys: ['k', 'dup'] })
    const [first, second] = await scene.append(
      [
        scene.draft({ payloads: [1, 'd'], keys: ['fresh', 'dup'] }),
        scene.draft({ payloads: ['other', 2], keys: ['k', null] }),
      ],
      { atomic: true },
    )
    expect(first?.verdicts).toEqual([ACCEPTED, { status: 'duplicate', id: known.ids[1] }])
    expect(second?.verdicts).toEqual([{ status: 'conflict', id: known.ids[0] }, ACCEPTED])
    expect(await scene.states([...(first?.ids ?? []), ...(second?.ids ?? [])])).toEqual([
      null,
      null,
      null,
      null,
    ])
    expect((await scene.store.reader.accounting()).accepted).toBe(2)
    const fresh = await scene.submit({ payloads: ['anything'], keys: ['fresh'] })
    expect(fresh.verdicts).toBe(null)
  })

  test('stores nothing of an atomic call whose commands conflict with each other', async (scene) => {
    const { expect } = scene
    const [first, second] = await scene.append(
      [scene.draft({ payloads: [1], keys: ['k'] }), scene.draft({ payloads: [2], keys: ['k'] })],
      { atomic: true },
    )
    expect(first?.verdicts).toBe(null)
    expect(second?.verdicts).toEqual([{ status: 'conflict', id: first?.ids[0] }])
    expect((await scene.store.reader.accounting()).accepted).toBe(0)
  })

  test('stores an atomic call without a conflict, duplicates or not', async (scene) => {
    const { expect } = scene
    await scene.submit({ payloads: ['d'], keys: ['dup'] })
    const submitted = await scene.append(
      [scene.draft({ payloads: [1, 'd'], keys: ['a', 'dup'] }), scene.draft({ payloads: [2] })],
      { atomic: true },
    )
    expect(submitted[0]?.verdicts?.map(({ status }) => status)).toEqual(['accepted', 'duplicate'])
    expect((await scene.store.reader.accounting()).accepted).toBe(3)
  })

  test('can be asked again for what an atomic call refused, once the conflict is gone', async (scene) => {
    const { expect, store } = scene
    await scene.submit({ payloads: ['p'], keys: ['k'], windowMs: 1_000 })
    const draft = scene.draft({ payloads: ['q', 'r'], keys: ['k', null] })
    await store.append([draft], { atomic: true })
    await scene.advance(1_001)
    expect(await store.append([draft], { atomic: true })).toMatchObject([{ verdicts: null }])
    expect(await scene.states([`${draft.id}-0`, `${draft.id}-1`])).toEqual(['accepted', 'accepted'])
  })

  test('stores the rest of a call that is not atomic', async (scene) => {
    const { expect } = scene
    await scene.submit({ payloads: ['p'], keys: ['k'] })
    const [conflicting, other] = await scene.append([
      scene.draft({ payloads: ['q', 'r'], keys: ['k', null] }),
      scene.draft({ payloads: ['s'] }),
    ])
    expect(await scene.states([...(conflicting?.ids ?? []), ...(other?.ids ?? [])])).toEqual([
      null,
      'accepted',
      'accepted',
    ])
  })
}
