import { describe, expect, it } from 'vitest'
import { Bench, command, eventsOf, gate, range, tampered } from '../../test/worker/worker-kit.js'
import { SpillwayError } from '../errors/index.js'
import type { TelemetryEvent } from '../ports/index.js'
import { createChunkIds } from '../runtime/index.js'
import { seededRandom } from '../testing/seeded-random.js'
import { Maintenance, type MaintenanceOptions } from './maintenance.js'

function setUp(over: Partial<MaintenanceOptions> = {}) {
  const bench = new Bench([command({ name: 'a', handle: () => undefined })])
  const { store, calls, tamper } = tampered(bench.real)
  const events: TelemetryEvent[] = []
  const random = seededRandom(1)
  const maintenance = new Maintenance({
    ...{ store, clock: bench.clock, random, newChunkId: createChunkIds(bench.clock, random) },
    ...{ promoteEveryMs: 200, pruneEveryMs: 30_000, retentionMs: 60_000, failedRetentionMs: 600_000 },
    ...{ auditRetentionMs: 6_000_000, nodeId: 'n1', roleLeaseMs: 15_000 },
    telemetry: { record: (event) => void events.push(event) },
    ...over,
  })
  /** Commands that become due `delayMs` from now. */
  const park = (count: number, delayMs: number) => {
    const due = { state: 'scheduled', nextAt: bench.clock.now() + delayMs, attempts: 0, error: null } as const
    return bench.append('a', range(count), { parked: range(count).map(() => due) })
  }
  return { bench, calls, tamper, events, maintenance, park }
}

describe('promoting', () => {
  it('moves commands within one interval of being due, and not before', async () => {
    const { bench, maintenance, park } = setUp()
    const ids = await park(1, 1_000)
    maintenance.start()
    await bench.clock.advance(999)
    expect(await bench.states(ids)).toEqual(['scheduled'])
    await bench.clock.advance(201)
    expect(await bench.states(ids)).toEqual(['accepted'])
  })

  it('goes on without a pause while there is more', async () => {
    const { bench, calls, maintenance, park } = setUp()
    const ids = (await Promise.all(range(4).map(() => park(1_000, 0)))).flat()
    maintenance.start()
    await bench.clock.advance(1)
    expect(new Set(await bench.states(ids))).toEqual(new Set(['accepted']))
    expect(calls.promote).toHaveLength(17)
  })

  it('looks again in a quarter of the interval after it found some, and at intervals after that', async () => {
    const { bench, calls, maintenance, park } = setUp()
    await park(1, 0)
    maintenance.start()
    await bench.clock.advance(49)
    expect(calls.promote).toHaveLength(2)
    const ids = await park(1, 0)
    await bench.clock.advance(1)
    expect(await bench.states(ids)).toEqual(['accepted'])
    expect(calls.promote).toHaveLength(4)
    await bench.clock.advance(50)
    expect(calls.promote).toHaveLength(5)
    await bench.clock.advance(199)
    expect(calls.promote).toHaveLength(5)
    await bench.clock.advance(1)
    expect(calls.promote).toHaveLength(6)
  })

  it('gives other work its turn between two calls', async () => {
    const { bench, calls, maintenance, park } = setUp()
    await Promise.all(range(3).map(() => park(1_000, 0)))
    const seen: number[] = []
    const look = (): void => {
      seen.push(calls.promote.length)
      if (seen.length < 10) bench.clock.defer(look)
    }
    bench.clock.defer(look)
    maintenance.start()
    await bench.clock.advance(0)
    expect(seen.slice(0, 4)).toEqual([1, 2, 3, 4])
  })

  it('is tried less often while the store fails, and is back when the store is', async () => {
    const { bench, calls, tamper, events, maintenance, park } = setUp()
    const ids = await park(1, 0)
    tamper.promote = () => Promise.reject(new SpillwayError('store_unavailable', 'locked'))
    maintenance.start()
    await bench.clock.advance(60_000)
    expect(calls.promote.length).toBeGreaterThan(5)
    expect(calls.promote.length).toBeLessThan(20)
    expect(eventsOf(events, 'fault')).toHaveLength(calls.promote.length)
    expect(eventsOf(events, 'fault')[0]).toMatchObject({ where: 'maintenance.promote' })
    delete tamper.promote
    await bench.clock.advance(30_000)
    expect(await bench.states(ids)).toEqual(['accepted'])
    const before = calls.promote.length
    await bench.clock.advance(2_000)
    expect(calls.promote.length - before).toBeGreaterThanOrEqual(9)
  })
})

describe('pruning', () => {
  const finish = async (bench: Bench, count: number): Promise<string[]> => {
    const ids = (await Promise.all(range(count).map(() => bench.append('a', [1])))).flat()
    const process = bench.start()
    await bench.drain(process)
    const stopped = process.worker.stop()
    await bench.clock.advance(0)
    await stopped
    return ids
  }

  it('removes what has outlived its retention, in bounded steps until nothing is left', async () => {
    const { bench, calls, maintenance } = setUp()
    const ids = await finish(bench, 1_200)
    await bench.clock.advance(60_001)
    maintenance.start()
    await bench.clock.advance(0)
    expect((await bench.views(ids)).every((view) => view === null)).toBe(true)
    expect(calls.prune).toHaveLength(4)
  })

  it('leaves alone what is younger', async () => {
    const { bench, maintenance } = setUp()
    const ids = await finish(bench, 3)
    maintenance.start()
    await bench.clock.advance(50_000)
    expect(new Set(await bench.states(ids))).toEqual(new Set(['succeeded']))
    await bench.clock.advance(40_000)
    expect((await bench.views(ids)).every((view) => view === null)).toBe(true)
  })

  it('forgets who did what after a time of its own', async () => {
    const { bench, maintenance } = setUp({ auditRetentionMs: 120_000 })
    const audited = async () => (await bench.real.reader.audit({ limit: 10 })).items.length
    await bench.real.control.audit({ actor: 'ada', action: 'cancel', target: 'a', reason: null }, 1)
    maintenance.start()
    await bench.clock.advance(115_000)
    expect(await audited()).toBe(1)
    await bench.clock.advance(40_000)
    expect(await audited()).toBe(0)
  })

  it('does not stop because it failed', async () => {
    const { bench, tamper, calls, maintenance } = setUp()
    tamper.prune = () => Promise.reject(new Error('no'))
    maintenance.start()
    await bench.clock.advance(30_000 * 5)
    expect(calls.prune.length).toBeGreaterThanOrEqual(4)
  })
})

describe('stopping', () => {
  it('waits for the step that is going on and starts no other', async () => {
    const { bench, calls, tamper, maintenance } = setUp()
    const open = gate()
    tamper.promote = async (call) => {
      await open.promise
      return call()
    }
    maintenance.start()
    await bench.clock.advance(0)
    let stopped = false
    const stopping = maintenance.stop().then(() => {
      stopped = true
    })
    await bench.clock.advance(10_000)
    expect(stopped).toBe(false)
    open.open()
    await bench.clock.advance(0)
    await stopping
    await bench.clock.advance(100_000)
    expect(calls.promote).toHaveLength(1)
    expect(bench.clock.pending).toBe(0)
  })

  it('is fine without having started, and starting twice starts once', async () => {
    const { bench, calls, maintenance } = setUp()
    await maintenance.stop()
    const other = setUp()
    other.maintenance.start()
    other.maintenance.start()
    await other.bench.clock.advance(0)
    expect(other.calls.promote).toHaveLength(1)
    expect(calls.promote).toEqual([])
    expect(bench.clock.pending).toBe(0)
  })
})
