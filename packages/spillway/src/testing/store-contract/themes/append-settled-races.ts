// Appending as settled while others do the same, append the same, or hold the queue back.

import type { ChunkDraft } from '../../../domain/index.js'
import { makeEffects } from '../effects.js'
import { AT_ONCE, expectDeclined, idsOf, needsReopenAndTransactions, settled, TRIES_MAX } from '../settled.js'
import type { Suite } from '../suite.js'

export function racing({ test }: Suite): void {
  const whole = (answers: readonly (number | null)[]): number =>
    answers.filter((answer) => answer !== null).length

  test('stores a chunk once when several calls bring it at once', async (scene) => {
    const { expect } = scene
    const effects = await makeEffects(scene)
    const draft = scene.draft({ size: 2 })
    const calls = Array.from({ length: AT_ONCE }, (_, n) =>
      settled(scene, effects, [scene.draft(), draft, scene.draft()], effects.of([`row of ${n}`])),
    )
    const answers = await Promise.all(calls)
    expect(whole(answers)).toBe(1)
    expect(await effects.read()).toEqual({ [`row of ${answers.findIndex((one) => one !== null)}`]: 1 })
    expect((await scene.store.reader.accounting()).accepted).toBe(4)
  })

  test('gives a key to one of several calls at once', async (scene) => {
    const { expect } = scene
    const effects = await makeEffects(scene)
    const drafts = Array.from({ length: AT_ONCE }, (_, n) =>
      // In either order, so that none may wait for another in a circle.
      scene.draft({ payloads: ['p', 'p'], keys: n % 2 === 0 ? ['k', 'l'] : ['l', 'k'] }),
    )
    const answers = await Promise.all(drafts.map((draft) => settled(scene, effects, [draft])))
    expect(whole(answers)).toBe(1)
    const winner = drafts[answers.findIndex((one) => one !== null)] as ChunkDraft
    expect(Object.keys(await effects.read()).sort()).toEqual(idsOf(winner))
    const { verdicts } = await scene.submit({ payloads: ['p'], keys: ['k'] })
    expect(verdicts?.[0]).toMatchObject({ status: 'duplicate' })
    expect((await scene.store.reader.accounting()).accepted).toBe(2)
  })

  test('and an append at once agree about a chunk: it is settled with its rows, or waits without', async (scene) => {
    const { expect, store } = scene
    const effects = await makeEffects(scene)
    for (let round = 0; round < AT_ONCE; round += 1) {
      const draft = scene.draft({ queue: 'raced', keys: [`k${round}`] })
      const calls = [() => settled(scene, effects, [draft]), () => store.append([draft])] as const
      const [short, [long]] = (await (round % 2 === 0
        ? Promise.all([calls[0](), calls[1]()])
        : Promise.all([calls[1](), calls[0]()]).then(([b, a]) => [a, b]))) as [
        number | null,
        Awaited<ReturnType<typeof store.append>>,
      ]
      expect(long?.verdicts).toBe(null)
      if (short !== null) expect(long?.createdAt).toBe(short)
      const [id = ''] = idsOf(draft)
      expect(await scene.states([id])).toEqual([short === null ? 'accepted' : 'succeeded'])
      expect((await effects.read())[id]).toBe(short === null ? undefined : 1)
    }
  })

  test('and an append at once agree about a key', async (scene) => {
    const { expect, store } = scene
    const effects = await makeEffects(scene)
    for (let round = 0; round < AT_ONCE; round += 1) {
      const drafts = [0, 1].map(() => scene.draft({ payloads: ['p'], keys: [`k${round}`] }))
      const [first, second] = drafts as [ChunkDraft, ChunkDraft]
      const [short, long] = await Promise.all([settled(scene, effects, [first]), store.append([second])])
      const repeat = [{ status: 'duplicate', id: idsOf(first)[0] }]
      expect(long[0]?.verdicts).toEqual(short === null ? null : repeat)
      expect(Object.keys(await effects.read()).includes(`${first.id}-0`)).toBe(short !== null)
    }
  })

  test('and a pause at once: what is answered is so, and nothing that begins after the pause is settled', async (scene) => {
    const { expect, store } = scene
    const effects = await makeEffects(scene)
    const drafts = Array.from({ length: AT_ONCE }, () => scene.draft())
    const calls = drafts.map((draft) => settled(scene, effects, [draft]))
    await store.control.configureQueue('main', { paused: true })
    const late = scene.draft()
    expect(await settled(scene, effects, [late])).toBe(null)
    // What began before the pause may still be on its way here.
    const answers = await Promise.all(calls)
    await expectDeclined(scene, effects, [late])
    const states = await scene.states(drafts.flatMap(idsOf))
    expect(states).toEqual(answers.map((answer) => (answer === null ? null : 'succeeded')))
    expect(Object.keys(await effects.read())).toHaveLength(whole(answers))
  })

  test('gets along with calls at once that write the same rows', async (scene) => {
    const { expect } = scene
    const effects = await makeEffects(scene)
    const ids = Array.from({ length: 20 }, (_, n) => `row ${String(n).padStart(2, '0')}`)
    const calls = Array.from({ length: AT_ONCE }, async (_, n) => {
      const draft = scene.draft({ keys: [`k${n}`] })
      for (let tries = 1; tries <= TRIES_MAX * AT_ONCE; tries += 1)
        if ((await settled(scene, effects, [draft], effects.of(ids, n, 'update'))) !== null) return 1
      return 0
    })
    expect(await Promise.all(calls)).toEqual(calls.map(() => 1))
    const values = Object.values(await effects.read())
    expect(values).toHaveLength(20)
    expect(new Set(values).size, 'all of one call').toBe(1)
  })

  test(
    'stores a chunk once when two processes bring it at once, one of them by append',
    async (scene) => {
      const { expect, store, subject } = scene
      const effects = await makeEffects(scene)
      const other = await subject.reopen?.()
      for (let round = 0; round < AT_ONCE; round += 1) {
        const draft = scene.draft({ queue: 'raced', keys: [`k${round}`] })
        const rows = effects.of(idsOf(draft))
        const [own, others, appended] = await Promise.all([
          store.appendSettled([draft], rows),
          other?.appendSettled([draft], rows),
          other?.append([draft]),
        ])
        const isShort = own !== null || others !== null
        expect(own !== null && others !== null, 'both say that they stored it').toBe(false)
        expect(appended?.[0]?.verdicts).toBe(null)
        expect(await scene.states(idsOf(draft))).toEqual([isShort ? 'succeeded' : 'accepted'])
        expect(Object.keys(await effects.read()).includes(`${draft.id}-0`)).toBe(isShort)
      }
    },
    needsReopenAndTransactions,
  )
}
