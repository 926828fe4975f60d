import { describe, expect, it } from 'vitest'
import { Bench, command, eventsOf, gate, range, type TestCommand } from '../../test/worker/worker-kit.js'
import { SpillwayError } from '../errors/index.js'
import { CLOSE_GRACE_MS } from './worker.js'

function setUp(over: Omit<TestCommand, 'name'> = {}, concurrency = 1) {
  const started: { at: number; attempt: number; signal: AbortSignal }[] = []
  const gates = range(20).map(() => gate<unknown>())
  const definition = command({
    name: 'a',
    timeout: '1h',
    retry: { attempts: 3, backoff: { delay: 1_000, jitter: 'none' } },
    handle: (at, { signal, attempt }) => {
      started.push({ at, attempt, signal })
      return gates[at]?.promise
    },
    ...over,
  })
  return { bench: new Bench([definition], { concurrency }), started, gates }
}

describe('stop', () => {
  it('lets running handlers finish, settles them, and gives the rest back at once', async () => {
    const { bench, started, gates } = setUp()
    const ids = await bench.append('a', [0, 1, 2])
    const process = bench.start()
    await bench.clock.advance(1)
    const stopped = process.worker.stop()
    await bench.clock.advance(100)
    expect(started.map(({ at }) => at)).toEqual([0])
    gates[0]?.open('done')
    await bench.clock.advance(0)
    await stopped
    expect(await bench.states(ids)).toEqual(['succeeded', 'accepted', 'accepted'])
    expect(started[0]?.signal.aborted).toBe(false)
    const other = bench.start({ workerId: 'w2' })
    await bench.clock.advance(0)
    expect(started.slice(1)).toMatchObject([{ at: 1, attempt: 1 }])
    expect(eventsOf([...process.events, ...other.events], 'lease.lost')).toEqual([])
  })

  it('gives back chunks that no handler has begun, without waiting', async () => {
    const { bench, gates } = setUp({
      handle: undefined as never,
      handleBatch: () => gates[0]?.promise,
      batch: { maxSize: 2 },
    })
    const ids = [...(await bench.append('a', [0, 1])), ...(await bench.append('a', [2, 3]))]
    const process = bench.start()
    await bench.clock.advance(1)
    expect(await bench.states(ids)).toEqual(Array(4).fill('running'))
    void process.worker.stop()
    await bench.clock.advance(0)
    expect(await bench.states(ids)).toEqual(['running', 'running', 'accepted', 'accepted'])
  })

  it('claims nothing more, and gives back what a claim on its way brings', async () => {
    const { bench, started } = setUp()
    const ids = await bench.append('a', [0])
    const process = bench.process()
    const open = gate()
    process.tamper.claim = async (call) => {
      const leases = await call()
      await open.promise
      return leases
    }
    process.worker.start()
    await bench.clock.advance(1)
    const stopped = process.worker.stop()
    open.open()
    await bench.clock.advance(0)
    await stopped
    await bench.append('a', [1])
    await bench.clock.advance(1_000)
    expect(process.calls.claim).toHaveLength(1)
    expect(started).toEqual([])
    expect(await bench.states(ids)).toEqual(['accepted'])
  })

  it('tells handlers to stop when the time is up, and settles what they make of it', async () => {
    const { bench, started } = setUp(
      {
        handle: (at, { signal, attempt }) => {
          started.push({ at, attempt, signal })
          return new Promise((resolve, reject) => {
            signal.addEventListener('abort', () => (at === 0 ? resolve('in time') : reject(signal.reason)))
          })
        },
      },
      2,
    )
    const ids = await bench.append('a', [0, 1])
    const process = bench.start({ closeTimeoutMs: 5_000 })
    await bench.clock.advance(1)
    const stopped = process.worker.stop()
    await bench.clock.advance(4_999)
    expect(await bench.states(ids)).toEqual(['running', 'running'])
    await bench.clock.advance(1)
    await stopped
    expect(await bench.views(ids)).toMatchObject([
      { state: 'succeeded', result: '"in time"' },
      { state: 'retrying', attempts: 1, error: { code: 'closed' } },
    ])
  })

  it('counts commands of handlers that do not stop as tried, and gives the rest of their chunks back', async () => {
    const { bench, gates } = setUp()
    const ids = await bench.append('a', [0, 1])
    const process = bench.start({ closeTimeoutMs: 5_000 })
    await bench.clock.advance(1)
    const stopped = process.worker.stop()
    await bench.clock.advance(5_000 + CLOSE_GRACE_MS)
    await stopped
    expect(await bench.views(ids)).toMatchObject([
      { state: 'retrying', attempts: 1, error: { code: 'closed' } },
      { state: 'accepted' },
    ])
    gates[0]?.open('late')
    await bench.clock.advance(1_000)
    expect(await bench.states(ids)).toEqual(['retrying', 'accepted'])
  })

  it('ends in time even when the store is gone', async () => {
    const { bench, gates } = setUp()
    await bench.append('a', [0, 1])
    const process = bench.start({ closeTimeoutMs: 5_000 })
    await bench.clock.advance(1)
    for (const method of ['extend', 'settle', 'claim'] as const) {
      process.tamper[method] = () => Promise.reject(new SpillwayError('store_unavailable', 'gone'))
    }
    gates[0]?.open('done')
    let ended = false
    const stopped = process.worker.stop().then(() => {
      ended = true
    })
    await bench.clock.advance(5_000 + 2 * CLOSE_GRACE_MS)
    expect(ended).toBe(true)
    await stopped
    const calls = process.calls.extend.length + process.calls.settle.length
    await bench.clock.advance(100_000)
    expect(process.calls.extend.length + process.calls.settle.length).toBe(calls)
  })

  it('waits for a settlement that is being repeated', async () => {
    const { bench, gates } = setUp()
    const ids = await bench.append('a', [0])
    const process = bench.start()
    process.tamper.settle = async (call) => {
      if (process.calls.settle.length < 4) throw new SpillwayError('store_unavailable', 'busy')
      return call()
    }
    await bench.clock.advance(1)
    gates[0]?.open('done')
    const stopped = process.worker.stop()
    await bench.clock.advance(3_000)
    await stopped
    expect(await bench.states(ids)).toEqual(['succeeded'])
  })

  it('may be called twice, and before start', async () => {
    const { bench } = setUp()
    const process = bench.process()
    const first = process.worker.stop()
    const second = process.worker.stop()
    await bench.clock.advance(0)
    await Promise.all([first, second])
    process.worker.start()
    await bench.append('a', [0])
    await bench.clock.advance(1_000)
    expect(process.calls.claim).toEqual([])
  })

  it('leaves no timer behind', async () => {
    const { bench, gates } = setUp()
    await bench.append('a', [0])
    const process = bench.start()
    await bench.clock.advance(1)
    gates[0]?.open('done')
    const stopped = process.worker.stop()
    await bench.clock.advance(0)
    await stopped
    expect(bench.clock.pending).toBe(0)
  })
})

describe('idle', () => {
  it('resolves when everything that could be claimed is settled', async () => {
    const seen: number[] = []
    const { bench } = setUp({ handle: (at) => void seen.push(at) })
    const ids = (await Promise.all(range(30).map((at) => bench.append('a', [at])))).flat()
    const process = bench.start()
    await bench.drain(process)
    expect(seen).toEqual(range(30))
    expect(new Set(await bench.states(ids))).toEqual(new Set(['succeeded']))
  })

  it('does not take a claim that failed for an empty queue', async () => {
    const seen: number[] = []
    const { bench } = setUp({ handle: (at) => void seen.push(at) })
    await bench.append('a', [0])
    const process = bench.process()
    process.tamper.claim = async (call) => {
      if (process.calls.claim.length < 3) throw new SpillwayError('store_unavailable', 'busy')
      return call()
    }
    process.worker.start()
    await bench.drain(process)
    expect(seen).toEqual([0])
  })

  it('resolves at once when there is nothing at all', async () => {
    const { bench } = setUp()
    const process = bench.start()
    await bench.drain(process)
    expect(process.calls.claim.length).toBeGreaterThan(0)
  })
})
