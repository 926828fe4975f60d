import { describe, expect, it } from 'vitest'
import type { AsyncTx } from '../../test/support/async-store.js'
import {
  Bench,
  command,
  eventsOf,
  gate,
  type QueueSetup,
  range,
  storeIsDown,
  type TestCommand,
} from '../../test/worker/worker-kit.js'
import { rowsOf } from '../stores/memory/index.js'

const MISSING = Object.assign(new Error('relation "letters" does not exist'), { code: '42P01' })

function setUp(over: Omit<TestCommand, 'name'>, queue: QueueSetup = {}) {
  const bench = new Bench([command({ name: 'a', retry: { attempts: 2 }, ...over })], queue)
  const settings = async () => (await bench.real.control.queueSettings()).get('default')
  const resume = () => bench.real.control.configureQueue('default', { paused: false })
  return { bench, settings, resume }
}

describe('a handler whose database lacks what it needs', () => {
  it('pauses the queue for everybody, says why, and pays no attempt', async () => {
    let missing = true
    const { bench, settings, resume } = setUp({
      handle: () => {
        if (missing) throw MISSING
      },
    })
    const ids = await bench.append('a', range(3))
    const process = bench.start()
    await bench.clock.advance(10_000)
    expect(await settings()).toEqual({
      paused: true,
      pauseReason: 'a cannot run: relation "letters" does not exist (42P01)',
      leasesMax: null,
    })
    expect(await bench.views(ids)).toMatchObject(
      range(3).map(() => ({ state: 'accepted', attempts: 0, history: [] })),
    )
    expect(eventsOf(process.events, 'queue.halted')).toMatchObject([
      { queue: 'default', type: 'a', errorCode: '42P01', paused: true },
    ])
    expect(eventsOf(process.events, 'attempt.finished')).toEqual([])
    missing = false
    await resume()
    await bench.clock.advance(1_000)
    expect(await bench.views(ids)).toMatchObject(range(3).map(() => ({ state: 'succeeded', attempts: 1 })))
  })

  it('gives back everything the worker holds of the queue, the moment it is not worked on', async () => {
    const opened = gate()
    const { bench } = setUp(
      {
        handle: async (at) => {
          if (at === 'bad') throw MISSING
          await opened.promise
        },
      },
      { concurrency: 2 },
    )
    const shared = await bench.append('a', ['running', 'bad', 'waits'])
    const other = await bench.append('a', ['untouched'])
    bench.start()
    await bench.clock.advance(1_000)
    expect(await bench.states([...shared, ...other])).toEqual(['running', 'running', 'running', 'accepted'])
    opened.open()
    await bench.clock.advance(1_000)
    expect(await bench.states([...shared, ...other])).toEqual([
      'succeeded',
      'accepted',
      'accepted',
      'accepted',
    ])
  })

  it('keeps a batch whole', async () => {
    const calls: number[] = []
    const { bench, settings } = setUp({
      handleBatch: (payloads) => {
        calls.push(payloads.length)
        throw MISSING
      },
    })
    const ids = await bench.append('a', range(100))
    bench.start()
    await bench.clock.advance(1_000)
    expect(calls).toEqual([100])
    expect((await settings())?.paused).toBe(true)
    expect(new Set(await bench.states(ids))).toEqual(new Set(['accepted']))
  })

  it.each([
    ['synchronous', false],
    ['asynchronous', true],
  ])('undoes all of its %s transaction', async (_, asynchronous) => {
    const { bench, settings } = setUp(
      {
        settlement: 'transaction',
        handle: (at, { tx }) => {
          if (at === 1) throw MISSING
          const row = { at }
          return asynchronous
            ? (tx as AsyncTx).set('effects', `${at}`, row)
            : void tx.table('effects').set(`${at}`, row)
        },
      },
      { asynchronous },
    )
    const ids = await bench.append('a', range(3))
    bench.start()
    await bench.clock.advance(1_000)
    expect((await settings())?.paused).toBe(true)
    expect(rowsOf(bench.real, 'effects')).toEqual([])
    expect(await bench.views(ids)).toMatchObject(range(3).map(() => ({ state: 'accepted', attempts: 0 })))
  })

  it('pauses also when it shows only as the transaction commits', async () => {
    const { bench, settings } = setUp({ settlement: 'transaction', handle: () => undefined })
    const ids = await bench.append('a', [1])
    const process = bench.process()
    process.tamper.settleWithin = () => Promise.reject(MISSING)
    process.worker.start()
    await bench.clock.advance(1_000)
    expect(await settings()).toMatchObject({ paused: true })
    expect(await bench.states(ids)).toEqual(['accepted'])
  })

  it('is tried less and less often while the store does not take the pause', async () => {
    let calls = 0
    const { bench, settings } = setUp({
      handle: () => {
        calls += 1
        throw MISSING
      },
    })
    const ids = await bench.append('a', [1])
    const process = bench.process()
    let down = true
    process.control.configureQueue = (...args) =>
      down ? storeIsDown() : bench.real.control.configureQueue(...args)
    process.worker.start()
    await bench.clock.advance(20_000)
    expect(calls).toBeGreaterThan(4)
    expect(calls).toBeLessThan(12)
    expect(await bench.views(ids)).toMatchObject([{ state: 'accepted', attempts: 0 }])
    expect(eventsOf(process.events, 'queue.halted').every(({ paused }) => !paused)).toBe(true)
    down = false
    await bench.clock.advance(10_000)
    expect(await settings()).toMatchObject({ paused: true })
    const before = calls
    await bench.clock.advance(60_000)
    expect(calls).toBe(before)
  })

  it('shares one pause among handler calls that fail together', async () => {
    const { bench } = setUp({ handle: () => Promise.reject(MISSING) }, { concurrency: 4 })
    await bench.append('a', range(4))
    const process = bench.start()
    await bench.clock.advance(1_000)
    expect(eventsOf(process.events, 'queue.halted')).toHaveLength(1)
  })
})
