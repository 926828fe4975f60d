// Appending as settled: chunks and the rows they come to are there in one commit, and whoever looks finds what an append, a claim and a
// settlement would have left.

import type { ChunkDraft } from '../../../domain/index.js'
import type { BulkWrite } from '../../../ports/index.js'
import { makeDaily, makeEffects } from '../effects.js'
import { DAY_MS, LEASE_MS } from '../scene.js'
import { everything, idsOf, needsReopenAndTransactions, settled, TRIES_MAX } from '../settled.js'
import { needing, needsTransactions, type Suite, type Theme } from '../suite.js'
import { declining, rejecting, takingKeys } from './append-settled-declined.js'
import { racing } from './append-settled-races.js'

export const appendSettledTheme: Theme = {
  name: 'append as settled',
  define(suite) {
    const own = needing(suite, needsTransactions)
    storing(own)
    writing(own)
    takingKeys(own)
    declining(own)
    rejecting(own)
    racing(own)
  },
}

function storing({ test }: Suite): void {
  test('stores the commands as succeeded, and their rows', async (scene) => {
    const { expect, store } = scene
    const effects = await makeEffects(scene)
    const draft = scene.draft({ payloads: ['a', { b: '\u0000 😀' }], priority: 3, tenant: 'acme' })
    expect(await settled(scene, effects, [draft])).toBe(scene.now())
    const ids = idsOf(draft)
    expect(await scene.states(ids)).toEqual(['succeeded', 'succeeded'])
    expect(await effects.read()).toEqual(Object.fromEntries(ids.map((id) => [id, 1])))
    const views = await store.reader.get(ids, { payload: true })
    expect(views.map((view) => view?.payload)).toEqual(['"a"', JSON.stringify({ b: '\u0000 😀' })])
    expect((await store.reader.accounting()).succeeded).toBe(2)
  })

  test('leaves nothing to be claimed or promoted, and no tenant waiting', async (scene) => {
    const { expect, store } = scene
    const effects = await makeEffects(scene)
    await settled(scene, effects, [scene.draft({ tenant: 'acme' }), scene.draft()])
    expect(await scene.claim()).toEqual([])
    expect(await store.readyTenants('main', ['work'], 10)).toEqual([])
    expect(await scene.promoteAfter(DAY_MS)).toBe(0)
  })

  test('shows what a chunk shows that was appended, claimed and settled whole', async (scene) => {
    const { expect, store } = scene
    const effects = await makeEffects(scene)
    const like = { payloads: ['p', 'q'], priority: -2, tenant: 'acme' }
    const [long, short] = [
      scene.draft({ ...like, queue: 'long', keys: ['a', null] }),
      scene.draft({ ...like, queue: 'short', keys: ['b', null] }),
    ]
    await store.append([long])
    await scene.settle(await scene.claimOne({ queue: 'long' }))
    expect(await settled(scene, effects, [short])).toBe(scene.now())
    const shown = async ({ id, queue, size }: ChunkDraft): Promise<string> => {
      const views = await store.reader.get(idsOf({ id, size } as ChunkDraft), { payload: true })
      const listed = await store.reader.list({ queue, state: 'succeeded', limit: 10 })
      const counts = (await store.reader.queues()).filter((one) => one.queue === queue)
      const text = JSON.stringify({ views, listed: listed.items, counts })
      return text.replaceAll(id, 'chunk').replaceAll(`"${queue}"`, '"queue"')
    }
    expect(JSON.parse(await shown(short))).toEqual(JSON.parse(await shown(long)))
    expect((await scene.view(`${short.id}-0`)).attempts).toBe(1)
  })

  test('stores many chunks of several queues, types, priorities and tenants in a call', async (scene) => {
    const { expect, store } = scene
    const effects = await makeEffects(scene)
    const drafts = Array.from({ length: 40 }, (_, n) =>
      scene.draft({
        payloads: Array.from({ length: 1 + (n % 4) }, (_, at) => `${n}/${at} ${'x'.repeat(n * 20)}`),
        ...{ queue: `q${n % 3}`, type: `type${n % 2}`, priority: n % 5 },
        ...(n % 3 === 0 ? { tenant: `t${n % 2}` } : {}),
      }),
    )
    expect(await settled(scene, effects, drafts)).toBe(scene.now())
    const views = await store.reader.get(drafts.flatMap(idsOf), { payload: true })
    expect(
      views.map((view) => [view?.state, view?.queue, view?.type, view?.priority, view?.payload]),
    ).toEqual(
      drafts.flatMap(({ body, queue, type, priority }) =>
        (JSON.parse(body) as unknown[]).map((payload) => [
          ...['succeeded', queue, type, priority],
          JSON.stringify(payload),
        ]),
      ),
    )
    expect(Object.keys(await effects.read())).toHaveLength(views.length)
  })

  test('answers its time again to whoever appends the same, and changes nothing then', async (scene) => {
    const { expect, store } = scene
    const effects = await makeEffects(scene)
    const drafts = [scene.draft({ payloads: ['p', 'q'], keys: ['k', null] }), scene.draft()]
    const createdAt = (await settled(scene, effects, drafts)) as number
    await scene.advance(1_000)
    const before = await everything(scene, effects)
    const same = drafts.map(() => ({ createdAt, verdicts: null }))
    expect(await store.append(drafts)).toEqual(same)
    expect(await store.append(drafts, { atomic: true })).toEqual(same)
    expect(await store.append(drafts, { remember: true })).toEqual(same)
    const lease = { workerId: 'worker-1', leaseMs: LEASE_MS }
    expect(await store.append(drafts, { lease })).toEqual(same.map((one) => ({ ...one, lease: null })))
    expect(await scene.claim()).toEqual([])
    expect(await everything(scene, effects)).toEqual(before)
  })

  test('wakes nobody', async (scene) => {
    const effects = await makeEffects(scene)
    const heard: string[] = []
    scene.store.wake.subscribe((queue) => {
      heard.push(queue)
    })
    await settled(scene, effects, [scene.draft({ size: 3 })])
    await scene.submit({ queue: 'elsewhere' })
    scene.expect(heard).toEqual(['elsewhere'])
  })

  test('leaves what waits in the queue to claims, in its order', async (scene) => {
    const { expect } = scene
    const effects = await makeEffects(scene)
    const first = await scene.submit()
    await settled(scene, effects, [scene.draft({ priority: 9 })])
    const second = await scene.submit()
    expect((await scene.claim()).map(({ chunkId }) => chunkId)).toEqual([first.chunkId, second.chunkId])
  })

  test('takes no verb: all of it has ended', async (scene) => {
    const { expect, store } = scene
    const effects = await makeEffects(scene)
    const draft = scene.draft()
    await settled(scene, effects, [draft])
    const ids = idsOf(draft)
    expect(await store.control.cancel(ids)).toEqual(['conflict'])
    expect(await store.control.redrive(ids)).toEqual(['conflict'])
    expect(await store.control.discard(ids)).toEqual(['conflict'])
    expect(await scene.settle({ chunkId: draft.id, token: 0 })).toBe('stale')
    expect(await scene.states(ids)).toEqual(['succeeded'])
  })

  test('is pruned like any chunk that succeeded', async (scene) => {
    const { expect } = scene
    const effects = await makeEffects(scene)
    const draft = scene.draft({ size: 3 })
    await settled(scene, effects, [draft])
    await scene.advance(DAY_MS - 1)
    expect(await scene.prune()).toMatchObject({ chunks: 0, commands: 0 })
    await scene.advance(2)
    expect(await scene.prune()).toMatchObject({ chunks: 1, commands: 3 })
    expect(await scene.states(idsOf(draft))).toEqual([null, null, null])
    expect(Object.keys(await effects.read())).toHaveLength(3)
  })

  test(
    'is seen by other processes',
    async (scene) => {
      const { expect, subject } = scene
      const effects = await makeEffects(scene)
      const other = await subject.reopen?.()
      const draft = scene.draft({ keys: ['k'] })
      const createdAt = await settled(scene, effects, [draft])
      expect((await other?.reader.get(idsOf(draft)))?.map((view) => view?.state)).toEqual(['succeeded'])
      expect(await other?.append([draft])).toEqual([{ createdAt, verdicts: null }])
      expect(await other?.appendSettled([draft], effects.of(['other']))).toBe(null)
    },
    needsReopenAndTransactions,
  )
}

function writing({ test }: Suite): void {
  test('leaves a row whose key exists, or overwrites it, as the write says', async (scene) => {
    const { expect } = scene
    const effects = await makeEffects(scene)
    const write = async (ids: readonly string[], n: number, onConflict: BulkWrite['onConflict']) => {
      const draft = scene.draft({ size: ids.length })
      const before = await everything(scene, effects)
      for (let tries = 1; tries <= TRIES_MAX; tries += 1) {
        if ((await settled(scene, effects, [draft], effects.of(ids, n, onConflict))) !== null) return
        expect(await everything(scene, effects)).toEqual(before)
      }
      throw new Error(`rows with known keys were refused ${TRIES_MAX} times`)
    }
    await write(['a', 'b'], 1, 'ignore')
    await write(['b', 'c'], 2, 'ignore')
    expect(await effects.read()).toEqual({ a: 1, b: 1, c: 2 })
    await write(['b', 'd'], 3, 'update')
    expect(await effects.read()).toEqual({ a: 1, b: 3, c: 2, d: 3 })
    for (const n of [4, 5, 6, 7]) await write([`new ${n}`], n, 'ignore')
    await write(['a', 'new 7'], 8, 'update')
    await write(['a', 'e'], 9, 'ignore')
    expect(await effects.read()).toMatchObject({ a: 8, e: 9, 'new 6': 6, 'new 7': 8 })
  })

  test('writes fewer rows than commands, or more', async (scene) => {
    const { expect } = scene
    const effects = await makeEffects(scene)
    expect(await settled(scene, effects, [scene.draft({ size: 3 })], effects.of(['one']))).toBe(scene.now())
    const many = effects.of(['x', 'y', 'z'], 2)
    expect(await settled(scene, effects, [scene.draft()], many)).toBe(scene.now())
    expect(await effects.read()).toEqual({ one: 1, x: 2, y: 2, z: 2 })
    expect((await scene.store.reader.accounting()).succeeded).toBe(4)
  })

  test('writes a thousand rows, any text in them', async (scene) => {
    const { expect } = scene
    const effects = await makeEffects(scene)
    const ids = Array.from(
      { length: 1_000 },
      (_, n) => `${n} 'quoted' "😀" @.chunks $1 ; drop table effects --`,
    )
    expect(await settled(scene, effects, [scene.draft({ size: 1_000 })], effects.of(ids))).toBe(scene.now())
    expect(Object.keys(await effects.read()).sort()).toEqual([...ids].sort())
  })

  test('writes a key of several columns, and null', async (scene) => {
    const { expect, store } = scene
    const daily = await makeDaily(scene)
    expect(await store.appendSettled([scene.draft({ size: 3 })], daily.write('update'))).toBe(scene.now())
    expect(await daily.read()).toEqual(daily.rows)
  })
}
