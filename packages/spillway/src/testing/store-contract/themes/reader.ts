// Reader: what the store shows is what was written, and in any snapshot the numbers add up (I21).

import { PARKED_STATES, TERMINAL_STATES } from '../../../domain/index.js'
import { expectAccounting } from '../accounting.js'
import { type DraftOptions, LEASE_MS } from '../scene.js'
import type { Suite, Theme } from '../suite.js'
import { dying, failing, retrying } from '../updates.js'

export const readerTheme: Theme = {
  name: 'reader',
  define(suite) {
    getting(suite)
    counting(suite)
  },
}

function getting({ test }: Suite): void {
  test('answers in the order asked, null for what is not there', async (scene) => {
    const { expect, store } = scene
    const { ids, chunkId } = await scene.submit({ size: 2 })
    const asked = [
      ids[1] as string,
      'nonsense',
      ids[0] as string,
      `${chunkId}-2`,
      `${scene.newChunkId()}-0`,
      ids[1] as string,
    ]
    const views = await store.reader.get(asked)
    expect(views.map((view) => view?.id ?? null)).toEqual([ids[1], null, ids[0], null, null, ids[1]])
    expect(await store.reader.get([])).toEqual([])
  })

  test('shows the payload only when asked for', async (scene) => {
    const { expect, store } = scene
    const { ids } = await scene.submit({ payloads: [{ secret: 1 }] })
    const [view] = await store.reader.get(ids)
    expect('payload' in (view ?? {})).toBe(false)
    expect(await scene.view(ids[0])).toMatchObject({ payload: '{"secret":1}' })
  })

  test('shows the payload of a command in every state it can have', async (scene) => {
    const { expect, store } = scene
    const { ids } = await scene.submit({ payloads: ['ok', 'failed', 'retrying', 'cancelled', 'again'] })
    await store.control.cancel([ids[3] as string])
    await scene.settle(await scene.claimOne(), {
      updates: [failing(1), retrying(2, 60_000), retrying(4, 1_000)],
    })
    await scene.advance(1_001)
    await scene.promote()
    await scene.claimOne()
    const views = await store.reader.get(ids, { payload: true })
    expect(views.map((view) => [view?.state, view?.payload])).toEqual([
      ['succeeded', '"ok"'],
      ['failed', '"failed"'],
      ['retrying', '"retrying"'],
      ['cancelled', '"cancelled"'],
      ['running', '"again"'],
    ])
  })

  test('looks up a thousand commands at once', async (scene) => {
    const { expect } = scene
    const submitted = await scene.append(Array.from({ length: 10 }, () => scene.draft({ size: 100 })))
    const ids = submitted.flatMap((chunk) => chunk.ids)
    expect((await scene.store.reader.get(ids)).map((view) => view?.id)).toEqual(ids)
  })
}

function counting({ test }: Suite): void {
  test('counts what waits and runs per queue', async (scene) => {
    const { expect, store } = scene
    await scene.submit({ size: 5 })
    const oldestReadyAt = scene.now() + 100
    await scene.claimOne()
    await scene.advance(100)
    const { ids } = await scene.submit({ size: 3 })
    await scene.advance(100)
    await scene.submit({ size: 2 })
    await store.control.cancel([ids[0] as string])
    await scene.submit({ size: 4, queue: 'elsewhere' })
    await store.control.configureQueue('elsewhere', { paused: true })
    const queues = await store.reader.queues()
    const bytesOf = (options: DraftOptions) => Buffer.byteLength(scene.draft(options).body)
    const of = (name: string) => queues.find(({ queue }) => queue === name)
    const none = Object.fromEntries([...PARKED_STATES, ...TERMINAL_STATES].map((state) => [state, 0]))
    delete none.succeeded
    expect(of('main')).toEqual({
      ...none,
      queue: 'main',
      paused: false,
      ready: 4,
      running: 5,
      cancelled: 1,
      oldestReadyAt,
      readyBytes: bytesOf({ size: 3 }) + bytesOf({ size: 2 }),
    })
    expect(of('elsewhere')).toEqual({
      ...none,
      queue: 'elsewhere',
      paused: true,
      ready: 4,
      running: 0,
      oldestReadyAt: scene.now(),
      readyBytes: bytesOf({ size: 4 }),
    })
  })

  test('knows no oldest ready chunk when none is ready', async (scene) => {
    const { expect, store } = scene
    await scene.submit()
    const lease = await scene.claimOne()
    expect(await store.reader.queues()).toMatchObject([{ ready: 0, running: 1, oldestReadyAt: null }])
    await scene.settle(lease, { updates: [dying(0)] })
    expect(await store.reader.queues()).toMatchObject([
      { ready: 0, running: 0, dead: 1, oldestReadyAt: null },
    ])
  })

  test('adds up after every step of a command', async (scene) => {
    const { expect, store } = scene
    const { ids } = await scene.submit({
      payloads: ['p', 'p', 1, 2, 3, 4, 5],
      keys: ['k', 'k', null, null, null, null, null],
    })
    const lease = () => scene.claimOne()
    const steps: [string, () => Promise<unknown>, object][] = [
      ['append', async () => {}, { accepted: 6, ready: 6 }],
      ['cancel', () => store.control.cancel([ids[6] as string]), { ready: 5, cancelled: 1 }],
      ['claim', lease, { running: 5, cancelled: 1 }],
      ['lose', () => scene.advance(LEASE_MS + 1), { running: 5 }],
      [
        'claim again, progress',
        async () => scene.extend(await lease(), { finished: [0], release: true }),
        { ready: 4, succeeded: 1 },
      ],
      [
        'settle',
        async () => scene.settle(await lease(), { updates: [failing(2), retrying(3, 1_000), dying(4)] }),
        { succeeded: 2, failed: 1, retrying: 1, dead: 1, running: 0 },
      ],
      ['redrive', () => store.control.redrive([ids[4] as string]), { retrying: 2, dead: 0 }],
      ['promote', () => scene.advance(1_001).then(() => scene.promote()), { ready: 2, retrying: 0 }],
      ['claim promoted', lease, { running: 2 }],
      ['lose promoted', () => scene.advance(LEASE_MS + 1), { running: 2 }],
      [
        'settle promoted',
        async () => scene.settle(await lease(), { updates: [retrying(0, 1_000, 2)] }),
        { succeeded: 3, retrying: 1 },
      ],
      ['promote the last', () => scene.advance(1_001).then(() => scene.promote()), { ready: 1 }],
      ['cancel the last', () => store.control.cancel([ids[3] as string, ids[4] as string]), { ready: 0 }],
    ]
    for (const [name, step, expected] of steps) {
      await step()
      await expectAccounting(store, expect)
      expect(await store.reader.accounting(), name).toMatchObject({ accepted: 6, ...expected })
    }
  })
}
