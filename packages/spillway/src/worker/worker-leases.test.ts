import { describe, expect, it } from 'vitest'
import {
  Bench,
  command,
  eventsOf,
  gate,
  range,
  storeIsDown,
  waitingCommand,
} from '../../test/worker/worker-kit.js'
import { SpillwayError } from '../errors/index.js'

const LEASE_MS = 3_000

describe('heartbeats', () => {
  it('keep a lease alive for as long as the handler runs', async () => {
    const { started, gates, definition } = waitingCommand()
    const bench = new Bench([definition], { leaseMs: LEASE_MS })
    const ids = await bench.append('a', [1])
    const process = bench.start()
    const other = bench.start({ workerId: 'w2' })
    await bench.clock.advance(LEASE_MS * 5)
    expect(started).toHaveLength(1)
    gates[0]?.open(undefined)
    await bench.clock.advance(10)
    expect(await bench.states(ids)).toEqual(['succeeded'])
    expect([...process.events, ...other.events].filter(({ event }) => event === 'lease.lost')).toEqual([])
  })

  it('are one call for all leases of the queue', async () => {
    const { definition } = waitingCommand()
    const bench = new Bench([definition], { leaseMs: LEASE_MS, concurrency: 8 })
    for (const at of range(8)) await bench.append('a', [at])
    const { calls } = bench.start()
    await bench.clock.advance(LEASE_MS)
    expect(calls.extend.map(([items]) => (items as unknown[]).length)).toEqual([8, 8, 8])
  })

  it('carry progress, so that a worker that takes over does not repeat what was finished', async () => {
    const { started, gates, definition } = waitingCommand()
    const bench = new Bench([definition], { leaseMs: LEASE_MS, concurrency: 3 })
    const ids = await bench.append('a', [0, 1, 2])
    const process = bench.start()
    await bench.clock.advance(1)
    gates[0]?.open(undefined)
    gates[1]?.open('value')
    await bench.clock.advance(LEASE_MS / 3)
    process.clock.pause()
    process.tamper.extend = storeIsDown
    const other = bench.start({ workerId: 'w2' })
    await bench.clock.advance(LEASE_MS + 100)
    expect(started.slice(3).map(({ at, attempt }) => [at, attempt])).toEqual([[2, 2]])
    gates[3]?.open(undefined)
    await bench.drain(other)
    expect((await bench.views(ids)).map((view) => [view?.state, view?.result])).toEqual([
      ['succeeded', null],
      ['succeeded', '"value"'],
      ['succeeded', null],
    ])
  })

  it('report progress again until the store has confirmed it', async () => {
    const { gates, definition } = waitingCommand()
    const bench = new Bench([definition], { leaseMs: LEASE_MS, concurrency: 2 })
    const ids = await bench.append('a', [0, 1])
    const process = bench.process()
    let failures = 0
    process.tamper.extend = async (call) => {
      const verdicts = await call()
      failures += 1
      if (failures === 1)
        throw new SpillwayError('store_unavailable', 'nobody knows', { details: { outcome: 'unknown' } })
      return verdicts
    }
    process.worker.start()
    // Shortly before a heartbeat, which is the first to tell it then.
    await bench.clock.advance(LEASE_MS / 3 - 50)
    gates[0]?.open('first')
    await bench.clock.advance(LEASE_MS)
    const sent = process.calls.extend.map(([items]) => (items as { updates: unknown[] }[])[0]?.updates.length)
    expect(sent.slice(0, 3)).toEqual([1, 1, 0])
    gates[1]?.open(undefined)
    await bench.drain(process)
    expect(await bench.states(ids)).toEqual(['succeeded', 'succeeded'])
  })

  it('measure how late they come when the process was held up', async () => {
    const { definition } = waitingCommand()
    const bench = new Bench([definition], { leaseMs: LEASE_MS })
    await bench.append('a', [1])
    const process = bench.start()
    await bench.clock.advance(1)
    process.clock.pause()
    await bench.clock.advance(2_500)
    process.clock.resume()
    await bench.clock.advance(0)
    const delays = eventsOf(process.events, 'heartbeat.delay').map(({ delayMs }) => delayMs)
    expect(Math.max(...delays)).toBe(1_501)
  })
})

describe('a lost lease', () => {
  it('aborts the handler, and what it returns is dropped', async () => {
    const { started, gates, definition } = waitingCommand()
    const bench = new Bench([definition], { leaseMs: LEASE_MS })
    const ids = await bench.append('a', [1])
    const process = bench.start()
    await bench.clock.advance(1)
    process.tamper.extend = async (_, items) => (items as unknown[]).map(() => 'stale')
    await bench.clock.advance(LEASE_MS / 3)
    expect(started[0]?.signal.aborted).toBe(true)
    expect(eventsOf(process.events, 'lease.lost')).toMatchObject([{ reason: 'stale', type: 'a' }])
    gates[0]?.open('too late')
    await bench.clock.advance(10)
    expect(process.calls.settle).toEqual([])
    expect(await bench.states(ids)).toEqual(['running'])
  })

  it('is noticed without the store, when no heartbeat got through in time', async () => {
    const { started, definition } = waitingCommand()
    const bench = new Bench([definition], { leaseMs: LEASE_MS })
    await bench.append('a', [1])
    const process = bench.start()
    await bench.clock.advance(1)
    process.tamper.extend = () => new Promise(() => {})
    await bench.clock.advance(LEASE_MS - 2)
    expect(started[0]?.signal.aborted).toBe(false)
    await bench.clock.advance(1)
    expect(started[0]?.signal.aborted).toBe(true)
    expect(eventsOf(process.events, 'lease.lost')).toMatchObject([{ reason: 'expired' }])
  })

  it('is not lost when the store comes back in time', async () => {
    const { started, gates, definition } = waitingCommand()
    const bench = new Bench([definition], { leaseMs: LEASE_MS })
    const ids = await bench.append('a', [1])
    const process = bench.start()
    await bench.clock.advance(1)
    process.tamper.extend = storeIsDown
    await bench.clock.advance(LEASE_MS - 700)
    expect(eventsOf(process.events, 'fault').length).toBeGreaterThan(1)
    delete process.tamper.extend
    await bench.clock.advance(LEASE_MS * 2)
    expect(started[0]?.signal.aborted).toBe(false)
    gates[0]?.open(undefined)
    await bench.drain(process)
    expect(await bench.states(ids)).toEqual(['succeeded'])
  })

  it('of one chunk does not abort a batch whose other chunks are still held', async () => {
    const open = gate()
    let signal: AbortSignal | undefined
    const definition = command({
      name: 'a',
      handleBatch: (_, context) => {
        signal = context.signal
        return open.promise
      },
    })
    const bench = new Bench([definition], { leaseMs: LEASE_MS })
    const ids = [...(await bench.append('a', [1])), ...(await bench.append('a', [2]))]
    const process = bench.start()
    await bench.clock.advance(1)
    process.tamper.extend = async (call) => {
      const verdicts = await call()
      return ['stale', ...verdicts.slice(1)]
    }
    await bench.clock.advance(LEASE_MS / 3)
    expect(signal?.aborted).toBe(false)
    delete process.tamper.extend
    open.open()
    await bench.clock.advance(10)
    expect(await bench.states(ids)).toEqual(['running', 'succeeded'])
  })
})

describe('a worker that was paused past its lease', () => {
  it('does not write about commands that another one has taken over', async () => {
    const { started, gates, definition } = waitingCommand()
    const bench = new Bench([definition], { leaseMs: LEASE_MS })
    const ids = await bench.append('a', [1])
    const paused = bench.start({ workerId: 'paused' })
    await bench.clock.advance(1)
    paused.clock.pause()
    const other = bench.start({ workerId: 'other' })
    await bench.clock.advance(LEASE_MS + 100)
    expect(started.map(({ attempt }) => attempt)).toEqual([1, 2])
    gates[0]?.open('from the paused one')
    await bench.clock.advance(0)
    paused.clock.resume()
    await bench.clock.advance(100)
    expect(eventsOf(paused.events, 'lease.lost')).toMatchObject([{ reason: 'expired' }])
    expect(paused.calls.settle).toEqual([])
    gates[1]?.open('from the other')
    await bench.clock.advance(10)
    expect(await bench.views(ids)).toMatchObject([{ state: 'succeeded', result: '"from the other"' }])
    expect(eventsOf(other.events, 'lease.lost')).toEqual([])
  })

  it('gets stale for a settlement that was on its way, and drops it', async () => {
    const { gates, definition } = waitingCommand()
    const bench = new Bench([definition], { leaseMs: LEASE_MS })
    const ids = await bench.append('a', [1])
    const slow = bench.start({ workerId: 'slow' })
    const release = gate()
    slow.tamper.settle = async (call) => {
      await release.promise
      return call()
    }
    slow.tamper.extend = storeIsDown
    await bench.clock.advance(1)
    gates[0]?.open('late')
    const other = bench.start({ workerId: 'other' })
    await bench.clock.advance(LEASE_MS + 100)
    gates[1]?.open('in time')
    await bench.clock.advance(10)
    release.open()
    await bench.clock.advance(10)
    expect(eventsOf(slow.events, 'lease.lost')).toHaveLength(1)
    expect(await bench.views(ids)).toMatchObject([{ state: 'succeeded', result: '"in time"' }])
    expect(eventsOf(other.events, 'lease.lost')).toEqual([])
  })
})
