import { describe, expect, it } from 'vitest'
import { Bench, command, type ProcessOptions, range, storeIsDown } from '../../test/worker/worker-kit.js'
import { failed, retry, type Settlement } from '../domain/index.js'
import type { CallbackRoute, SettledEvent } from '../ports/index.js'

let chunks = 0
const callbackRoute: CallbackRoute = {
  ...{ queue: 'callbacks', type: 'told' },
  newChunkId: () => {
    chunks += 1
    return `f${chunks}`.padStart(32, '0')
  },
}
const callbackOf: ProcessOptions['callbackOf'] = (_, { id }, { state, attempts }) =>
  JSON.stringify({ id, state, attempts })
const callback = (payload: unknown) => (payload === 'silent' ? null : 'https://upstream.example')

/** What callbacks are in the store, in the order of their commands' ids. */
async function told(bench: Bench): Promise<readonly unknown[]> {
  const { items } = await bench.real.reader.list({ queue: 'callbacks', limit: 100 })
  const stored = await bench.real.reader.get(
    items.map(({ id }) => id),
    { payload: true },
  )
  return stored.map((view) => JSON.parse(view?.payload ?? 'null')).sort((a, b) => (a.id < b.id ? -1 : 1))
}

describe('callbacks', () => {
  const outcomes = (at: number) => [undefined, { n: 1 }, failed('no'), retry('later')][at]

  for (const [name, options] of [
    ['one by one', { handle: outcomes }],
    [
      'in a batch',
      { handleBatch: (all: number[]) => all.map(outcomes).map((value) => value ?? null) as never },
    ],
    ['in a transaction', { settlement: 'transaction', handle: outcomes }],
  ] as const)
    it(`are stored in the commit that ends their commands, ${name}`, async () => {
      const bench = new Bench([
        command({ ...{ name: 'a', callback, retry: { attempts: 2 } }, ...options } as never),
      ])
      const values = name === 'in a batch' ? [0, 2, 3] : [0, 1, 2, 3]
      const process = bench.start({ callbackOf, callbackRoute })
      const ids = await bench.append('a', values)
      await bench.drain(process)
      const ended = values.flatMap((at, index) =>
        at === 3 ? [] : [{ id: ids[index], state: at === 2 ? 'failed' : 'succeeded', attempts: 1 }],
      )
      expect(await told(bench)).toEqual(ended)
    })

  it('cost a command that simply succeeded no row of its own', async () => {
    const bench = new Bench([command({ name: 'a', callback, handleBatch: () => undefined })])
    const process = bench.start({ callbackOf, callbackRoute })
    await bench.append('a', range(3))
    await bench.drain(process)
    const [[settlements]] = process.calls.settle as [[Settlement[]]]
    expect(settlements).toMatchObject([
      { updates: [], complete: true, appends: [{ size: 3, queue: 'callbacks' }] },
    ])
    expect(settlements?.[0]?.updates).toEqual([])
  })

  it('are not stored for ends that nobody is to be told about, nor without a route', async () => {
    const bench = new Bench([command({ name: 'a', callback, handle: () => undefined })])
    const nobody = bench.start({ callbackOf: () => null, callbackRoute })
    await bench.append('a', range(2))
    await bench.drain(nobody)
    await nobody.worker.stop()
    const unrouted = bench.start({ callbackOf })
    await bench.append('a', range(2))
    await bench.drain(unrouted)
    expect(await told(bench)).toEqual([])
  })

  it('keep their chunks over repeats, so that nobody is told twice', async () => {
    const bench = new Bench([command({ name: 'a', callback, handle: () => 7 })])
    const process = bench.process({ callbackOf, callbackRoute })
    let lost = 0
    process.tamper.settle = async (call) => {
      const verdicts = await call()
      lost += 1
      return lost > 2 ? verdicts : storeIsDown()
    }
    process.worker.start()
    await bench.append('a', [0])
    await bench.drain(process)
    const drafts = process.calls.settle.map(([items]) => (items as Settlement[])[0]?.appends?.[0]?.id)
    expect(new Set(drafts).size).toBe(1)
    expect(drafts.length).toBeGreaterThan(1)
    expect(await told(bench)).toHaveLength(1)
  })

  it('travel with heartbeats, so that nobody waits for the rest of a chunk', async () => {
    const bench = new Bench(
      [
        command({
          ...{ name: 'a', callback, timeout: '1h' },
          handle: (at) => (at === 0 ? 'done' : new Promise(() => {})),
        }),
      ],
      { leaseMs: 3_000, concurrency: 2 },
    )
    const process = bench.process({ callbackOf, callbackRoute })
    process.tamper.settle = storeIsDown
    process.worker.start()
    await bench.append('a', range(2))
    await bench.clock.advance(1_500)
    expect(process.calls.extend).toHaveLength(1)
    expect(await told(bench)).toMatchObject([{ state: 'succeeded' }])
  })

  it('are told of commands that crashed their workers, too', async () => {
    const bench = new Bench(
      [command({ name: 'a', callback, retry: { attempts: 1 }, handle: () => new Promise(() => {}) })],
      {
        leaseMs: 1_000,
      },
    )
    const first = bench.start({ workerId: 'w1', callbackOf, callbackRoute })
    const ids = await bench.append('a', [0])
    await bench.clock.advance(100)
    first.clock.pause()
    await bench.clock.advance(1_500)
    bench.start({ workerId: 'w2', callbackOf, callbackRoute })
    await bench.clock.advance(500)
    expect(await told(bench)).toEqual([{ id: ids[0], state: 'dead', attempts: 1 }])
  })

  it('whose making fails are a fault, and end nobody', async () => {
    const bench = new Bench([command({ name: 'a', callback, handle: () => undefined })])
    const process = bench.start({
      callbackOf: () => {
        throw new Error('no url in this payload')
      },
      callbackRoute,
    })
    const ids = await bench.append('a', [0])
    await bench.drain(process)
    expect(await bench.states(ids)).toEqual(['succeeded'])
    expect(process.events).toContainEqual(expect.objectContaining({ event: 'fault', where: 'callback of a' }))
  })
})

describe('listeners', () => {
  function listening(on = true) {
    const events: SettledEvent[] = []
    const listener = {
      listening: () => on,
      settled: (told: readonly SettledEvent[]) => void events.push(...told),
    }
    return { events, listener }
  }

  for (const [name, more] of [
    ['', {}],
    [' in a transaction', { settlement: 'transaction' }],
  ] as const)
    it(`hear of every command once the store has it${name}`, async () => {
      const { events, listener } = listening()
      const bench = new Bench([
        command({
          ...{ name: 'a', retry: { attempts: 2 } },
          ...more,
          handle: (at) => [undefined, 7, failed('no'), retry('later')][at],
        }),
      ])
      const process = bench.start({ listener })
      const ids = await bench.append('a', range(4))
      await bench.drain(process)
      const of = { type: 'a', queue: 'default', attempts: 1 }
      expect(events).toEqual([
        { ...of, id: ids[0], state: 'succeeded', error: null },
        { ...of, id: ids[1], state: 'succeeded', error: null, result: '7' },
        { ...of, id: ids[2], state: 'failed', error: { code: 'failed', message: 'no' } },
        { ...of, id: ids[3], state: 'retrying', error: { code: 'retry', message: 'later' } },
      ])
    })

  it('hear nothing of what the store did not take', async () => {
    const { events, listener } = listening()
    const bench = new Bench([command({ name: 'a', handle: () => 7 })], { leaseMs: 1_000 })
    const process = bench.process({ listener })
    process.tamper.settle = storeIsDown
    process.tamper.extend = storeIsDown
    process.worker.start()
    await bench.append('a', [0])
    await bench.clock.advance(2_500)
    expect(process.calls.settle.length).toBeGreaterThan(1)
    expect(events).toEqual([])
  })

  it('hear nothing of what somebody else has by now', async () => {
    const { events, listener } = listening()
    const bench = new Bench([command({ name: 'a', handle: () => 7 })])
    const process = bench.process({ listener })
    process.tamper.settle = async () => ['stale']
    process.worker.start()
    await bench.append('a', [0])
    await bench.clock.advance(500)
    expect(process.calls.settle).toHaveLength(1)
    expect(events).toEqual([])
  })

  it('cost nothing while nobody listens', async () => {
    const { events, listener } = listening(false)
    const bench = new Bench([command({ name: 'a', handle: () => 7 })])
    const process = bench.start({ listener })
    await bench.append('a', [0])
    await bench.drain(process)
    expect(events).toEqual([])
  })
})
