// Appending as settled where there is more to say: a key that is known, a queue that is held back, a row that the table refuses. Then nothing has
// changed, and the same chunks can be appended.

import type { ChunkDraft, ParkedDraft } from '../../../domain/index.js'
import type { BulkWrite } from '../../../ports/index.js'
import { type Effects, makeEffects } from '../effects.js'
import { rejectionOf } from '../rejection.js'
import type { DraftOptions, Scene } from '../scene.js'
import { everything, expectDeclined, idsOf, settled } from '../settled.js'
import { type Scope, steps } from '../steps.js'
import type { Suite } from '../suite.js'

export function takingKeys({ test }: Suite): void {
  test('takes the keys as an append does: later ones meet them', async (scene) => {
    const { expect } = scene
    const effects = await makeEffects(scene)
    const draft = scene.draft({ payloads: ['p', 'q', 'x'], keys: ['k', 'l', null] })
    await settled(scene, effects, [draft])
    const ids = idsOf(draft)
    const later = await scene.submit({ payloads: ['p', 'other', 'n'], keys: ['k', 'l', null] })
    expect(later.verdicts).toEqual([
      { status: 'duplicate', id: ids[0] },
      { status: 'conflict', id: ids[1] },
      { status: 'accepted' },
    ])
    expect((await scene.view(later.ids[0])).id).toBe(ids[0])
    const elsewhere = await scene.submit({ payloads: ['p'], keys: ['k'], type: 'another type' })
    expect(elsewhere.verdicts).toBe(null)
  })

  test('keeps them for their window, and no longer', async (scene) => {
    const { expect } = scene
    const effects = await makeEffects(scene)
    const keyed = { payloads: ['p'], keys: ['k'], windowMs: 60_000 }
    const draft = scene.draft(keyed)
    await settled(scene, effects, [draft])
    await scene.advance(59_999)
    expect((await scene.submit(keyed)).verdicts).toEqual([{ status: 'duplicate', id: idsOf(draft)[0] }])
    expect(await settled(scene, effects, [scene.draft(keyed)])).toBe(null)
    await scene.advance(2)
    const next = scene.draft(keyed)
    expect(await settled(scene, effects, [next])).toBe(scene.now())
    expect((await scene.submit(keyed)).verdicts).toEqual([{ status: 'duplicate', id: idsOf(next)[0] }])
  })

  test('takes hundreds of them in a call', async (scene) => {
    const { expect } = scene
    const effects = await makeEffects(scene)
    const numbers = Array.from({ length: 300 }, (_, n) => n)
    const drafts = [0, 1].map((part) =>
      scene.draft({ payloads: numbers, keys: numbers.map((n) => `part ${part}, ${(n * 7) % 300}`) }),
    )
    expect(await settled(scene, effects, drafts)).toBe(scene.now())
    const again = await scene.append(drafts.map((draft) => ({ ...draft, id: scene.newChunkId() })))
    expect(again.flatMap(({ verdicts }) => verdicts ?? [])).toEqual(
      drafts.flatMap(idsOf).map((id) => ({ status: 'duplicate', id })),
    )
  })

  for (const [what, payload] of [
    ['repeat', 'p'],
    ['conflict', 'q'],
  ] as const) {
    for (const way of ['appended', 'settled'] as const) {
      test(`declines a ${what} of a key that was ${way}, and takes no other key`, async (scene) => {
        const { expect } = scene
        const effects = await makeEffects(scene)
        const first = scene.draft({ payloads: ['p'], keys: ['k'] })
        if (way === 'appended') await scene.append([first])
        else await settled(scene, effects, [first])
        const drafts = [
          scene.draft({ payloads: ['new'], keys: ['n'], queue: 'fresh' }),
          scene.draft({ payloads: ['x', payload], keys: ['m', 'k'] }),
        ]
        await expectDeclined(scene, effects, drafts)
        const verdicts = (await scene.append(drafts)).map((one) => one.verdicts)
        const status = what === 'repeat' ? 'duplicate' : 'conflict'
        expect(verdicts).toEqual([null, [{ status: 'accepted' }, { status, id: idsOf(first)[0] }]])
      })
    }
  }

  test('declines a key that comes twice in the call, in a chunk or in two', async (scene) => {
    const { expect } = scene
    const effects = await makeEffects(scene)
    const calls = [
      [scene.draft({ payloads: ['p', 'p'], keys: ['k', 'k'] })],
      [scene.draft({ payloads: ['p', 'q'], keys: ['k', 'k'] })],
      [scene.draft({ payloads: ['p'], keys: ['k'] }), scene.draft({ payloads: ['p'], keys: ['k'] })],
    ]
    for (const drafts of calls) await expectDeclined(scene, effects, drafts)
    const apart = [scene.draft({ keys: ['k'] }), scene.draft({ keys: ['k'], type: 'another type' })]
    expect(await settled(scene, effects, apart), 'of two types').toBe(scene.now())
  })
}

export function declining({ test }: Suite): void {
  const fresh = (scene: Scene, options: DraftOptions = {}): ChunkDraft =>
    scene.draft({ payloads: ['f'], keys: [`of ${scene.newChunkId()}`], queue: 'fresh', ...options })

  /** Declined, and each of the drafts is taken as new by an append afterwards. */
  async function expectLeft(scene: Scene, effects: Effects, drafts: readonly ChunkDraft[]): Promise<void> {
    await expectDeclined(scene, effects, drafts)
    const verdicts = (await scene.append(drafts)).map((one) => one.verdicts)
    scene.expect(verdicts).toEqual(drafts.map(() => null))
  }

  test('declines a chunk that is known, whatever became of it', async (scene) => {
    const { expect, store } = scene
    const effects = await makeEffects(scene)
    const [ready, leased, done, failed, short] = ['ready', 'leased', 'done', 'failed', 'short'].map((queue) =>
      scene.draft({ queue, keys: [queue] }),
    ) as [ChunkDraft, ChunkDraft, ChunkDraft, ChunkDraft, ChunkDraft]
    await store.append([ready, leased, done, failed])
    await scene.claimOne({ queue: 'leased' })
    await scene.settle(await scene.claimOne({ queue: 'done' }))
    const error = { code: 'failed', message: 'no' }
    const update = { index: 0, state: 'failed', attempts: 1, delayMs: 0, error } as const
    await scene.settle(await scene.claimOne({ queue: 'failed' }), { updates: [update] })
    expect(await settled(scene, effects, [short])).toBe(scene.now())
    for (const known of [ready, leased, done, failed, short]) {
      await expectDeclined(scene, effects, [known], effects.of(['another row']))
      await expectDeclined(scene, effects, [{ ...known, keys: null }], effects.of(['another row']))
      await expectDeclined(scene, effects, [fresh(scene), { ...known, keys: null }, fresh(scene)])
    }
  })

  test('declines a chunk that is remembered as nothing but repeats', async (scene) => {
    const effects = await makeEffects(scene)
    await scene.submit({ payloads: ['p'], keys: ['k'], windowMs: 60_000 })
    const repeat = scene.draft({ payloads: ['p'], keys: ['k'] })
    await scene.append([repeat], { remember: true })
    await scene.advance(60_001)
    await expectDeclined(scene, effects, [repeat])
  })

  test('declines a chunk that comes twice in the call', async (scene) => {
    const effects = await makeEffects(scene)
    const draft = fresh(scene, { keys: [null] })
    await expectDeclined(scene, effects, [draft, fresh(scene), draft], effects.of(['a']))
  })

  test('declines what is parked, and what has a partition', async (scene) => {
    const effects = await makeEffects(scene)
    const due: ParkedDraft = { state: 'scheduled', nextAt: scene.now() + 1_000, attempts: 0, error: null }
    await expectLeft(scene, effects, [fresh(scene), fresh(scene, { parked: [due] })])
    await expectLeft(scene, effects, [fresh(scene), fresh(scene, { partition: 0 })])
    await expectLeft(scene, effects, [fresh(scene, { partition: 3 })])
  })

  test('declines while a queue of the drafts is paused, and takes them when it goes on', async (scene) => {
    const { expect, store } = scene
    const effects = await makeEffects(scene)
    await store.control.configureQueue('held', { paused: true })
    const drafts = [fresh(scene), fresh(scene, { queue: 'held' })]
    await expectDeclined(scene, effects, drafts)
    expect(await settled(scene, effects, [fresh(scene, { queue: 'another' })])).toBe(scene.now())
    await store.control.configureQueue('held', { paused: false })
    expect(await settled(scene, effects, drafts)).toBe(scene.now())
    expect(await scene.states(drafts.flatMap(idsOf))).toEqual(['succeeded', 'succeeded'])
  })

  test('declines while a queue of the drafts has a limit of leases, room or not', async (scene) => {
    const { expect, store } = scene
    const effects = await makeEffects(scene)
    const drafts = [fresh(scene), fresh(scene, { queue: 'held' })]
    for (const leasesMax of [0, 1, 100]) {
      await store.control.configureQueue('held', { leasesMax })
      await expectDeclined(scene, effects, drafts)
    }
    await store.control.configureQueue('held', { leasesMax: null })
    expect(await settled(scene, effects, drafts)).toBe(scene.now())
  })

  test('declines no drafts, and no rows', async (scene) => {
    const effects = await makeEffects(scene)
    await expectDeclined(scene, effects, [], effects.of(['a']))
    await expectDeclined(scene, effects, [], effects.of([]))
    await expectDeclined(scene, effects, [fresh(scene)], effects.of([]))
  })
}

/** Writes that some table cannot take; a store whose tables take anything takes them here as well. */
const BAD_ROWS: readonly (readonly [what: string, change: Partial<BulkWrite>])[] = [
  ['into a table that is missing', { table: 'nowhere' }],
  ['into a column that is missing', { columns: ['id', 'nothing'] }],
  ['without a value for the key', { rows: [[null, 1]] }],
  ['of a value that its column cannot hold', { rows: [['a', 'no number']] }],
  ['of a number that its column cannot hold', { rows: [['a', 1e300]] }],
]

export function rejecting({ test }: Suite): void {
  for (const [what, change] of BAD_ROWS) {
    test(`says of a row ${what} what a settlement's write says, and stores nothing then`, async (scene) => {
      const { expect, store } = scene
      const effects = await makeEffects(scene)
      const draft = scene.draft({ keys: ['k'], queue: 'fresh' })
      const rows: BulkWrite = { ...effects.of(['a']), ...change }
      const before = await everything(scene, effects)
      const fault = await faultOf(
        store.settleWithin([], (scope: Scope) =>
          steps(function* () {
            yield scope.write(rows)
            return []
          }),
        ),
      )
      if (fault === null) {
        expect(await settled(scene, effects, [draft], { ...rows, onConflict: 'update' })).toBe(scene.now())
        return
      }
      for (let time = 1; time <= 2; time += 1)
        expect(await faultOf(settled(scene, effects, [draft], rows)), `time ${time}`).toEqual(fault)
      expect(await everything(scene, effects)).toEqual(before)
      expect(await settled(scene, effects, [draft]), 'its keys are free').toBe(scene.now())
    })
  }

  test('is refused while the store is closed', async (scene) => {
    const { expect, store } = scene
    const effects = await makeEffects(scene)
    const draft = scene.draft({ keys: ['k'] })
    const due: ParkedDraft = { state: 'scheduled', nextAt: scene.now(), attempts: 0, error: null }
    await store.close()
    for (const drafts of [[draft], [], [scene.draft({ parked: [due] })]])
      expect(await rejectionOf(settled(scene, effects, drafts))).toMatchObject({ code: 'closed' })
    await store.open()
    expect(await settled(scene, effects, [draft])).toBe(scene.now())
  })
}

/** How to treat what it rejects with; null when it does not. */
async function faultOf(call: Promise<unknown>): Promise<string | null> {
  try {
    await call
    return null
  } catch (error) {
    return String((error as { fault?: unknown }).fault)
  }
}
