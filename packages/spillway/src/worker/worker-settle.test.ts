import { describe, expect, it } from 'vitest'
import { Bench, eventsOf, range, storeIsDown, waitingCommand } from '../../test/worker/worker-kit.js'
import { SpillwayError } from '../errors/index.js'

const LEASE_MS = 3_000

describe('a settlement', () => {
  it('is repeated while the store fails, and lands once', async () => {
    const { gates, definition } = waitingCommand()
    const bench = new Bench([definition], { leaseMs: LEASE_MS })
    const ids = await bench.append('a', [1])
    const process = bench.start()
    process.tamper.settle = storeIsDown
    await bench.clock.advance(1)
    gates[0]?.open('v')
    await bench.clock.advance(LEASE_MS * 3)
    expect(await bench.real.reader.queues()).toMatchObject([{ ready: 0 }])
    expect(process.calls.settle.length).toBeGreaterThan(3)
    expect(process.calls.settle.length).toBeLessThan(20)
    delete process.tamper.settle
    await bench.clock.advance(6_000)
    expect(await bench.views(ids)).toMatchObject([{ state: 'succeeded', result: '"v"' }])
    expect(eventsOf(process.events, 'lease.lost')).toEqual([])
  })

  it('that landed although its call failed is no lost lease, and is told apart', async () => {
    const { gates, definition } = waitingCommand()
    const bench = new Bench([definition], { leaseMs: LEASE_MS })
    const ids = await bench.append('a', [1])
    const process = bench.start()
    process.tamper.settle = async (call) => {
      const verdicts = await call()
      if (process.calls.settle.length === 1) throw new SpillwayError('store_unavailable', 'connection reset')
      return verdicts
    }
    await bench.clock.advance(1)
    gates[0]?.open('v')
    await bench.clock.advance(1_000)
    expect(await bench.states(ids)).toEqual(['succeeded'])
    expect(process.calls.settle).toHaveLength(2)
    expect(eventsOf(process.events, 'lease.lost')).toEqual([])
    expect(eventsOf(process.events, 'lifecycle')).toMatchObject([{ what: 'worker.settle_landed_unseen' }])
  })

  it('that the store refuses does not hold up the others of its call', async () => {
    const { gates, definition } = waitingCommand()
    const bench = new Bench([definition], { leaseMs: LEASE_MS, concurrency: 3 })
    const ids = (await Promise.all(range(3).map((at) => bench.append('a', [at])))).flat()
    const process = bench.start()
    process.tamper.settle = async (call, items) => {
      const poison = ids[1]?.slice(0, -2)
      if ((items as { chunkId: string }[]).some(({ chunkId }) => chunkId === poison))
        throw new Error('bad text')
      return call()
    }
    await bench.clock.advance(1)
    for (const at of range(3)) gates[at]?.open('v')
    // Less than a heartbeat, which would carry the value as progress.
    await bench.clock.advance(900)
    expect(await bench.states(ids)).toEqual(['succeeded', 'running', 'succeeded'])
  })

  it('is given up when its lease runs out', async () => {
    const { gates, definition } = waitingCommand()
    const bench = new Bench([definition], { leaseMs: LEASE_MS })
    const ids = await bench.append('a', [1])
    const process = bench.start()
    process.tamper.settle = storeIsDown
    process.tamper.extend = storeIsDown
    await bench.clock.advance(1)
    gates[0]?.open('v')
    await bench.clock.advance(LEASE_MS)
    expect(eventsOf(process.events, 'lease.lost')).toMatchObject([{ reason: 'expired' }])
    process.tamper.settle = undefined as never
    process.tamper.extend = undefined as never
    gates[1]?.open('again')
    await bench.clock.advance(10_000)
    expect(await bench.views(ids)).toMatchObject([{ state: 'succeeded', result: '"again"' }])
  })
})

describe('what is finished in a chunk that is not', () => {
  it('is told soon, so that nobody waits for a slow neighbour', async () => {
    const { gates, definition } = waitingCommand()
    const bench = new Bench([definition], { concurrency: 4 })
    const ids = await bench.append('a', [0, 1, 2, 3])
    const process = bench.start()
    await bench.clock.advance(1)
    gates[1]?.open('quick')
    gates[2]?.open(undefined)
    await bench.clock.advance(250)
    expect(await bench.states(ids)).toEqual(['running', 'succeeded', 'succeeded', 'running'])
    expect(process.calls.settle).toHaveLength(1)
    gates[0]?.open('slow')
    gates[3]?.open('slow')
    await bench.drain(process)
    expect(process.calls.settle.map(([items]) => (items as { complete: boolean }[])[0]?.complete)).toEqual([
      ...[false, true],
    ])
    expect((await bench.views(ids)).map((view) => view?.result)).toEqual([
      '"slow"',
      '"quick"',
      null,
      '"slow"',
    ])
  })

  it('and what is finished while that is being written is written after it, never beside it', async () => {
    const { gates, definition } = waitingCommand()
    const bench = new Bench([definition], { concurrency: 2 })
    const ids = await bench.append('a', [0, 1])
    const process = bench.start()
    let writing = 0
    let most = 0
    process.tamper.settle = async (call) => {
      writing += 1
      most = Math.max(most, writing)
      await bench.clock.sleep(100)
      const verdicts = await call()
      writing -= 1
      return verdicts
    }
    await bench.clock.advance(1)
    gates[0]?.open('first')
    await bench.clock.advance(260)
    gates[1]?.open('second')
    await bench.drain(process)
    expect(most).toBe(1)
    expect(await bench.states(ids)).toEqual(['succeeded', 'succeeded'])
    expect(eventsOf(process.events, 'lease.lost')).toEqual([])
  })
})
