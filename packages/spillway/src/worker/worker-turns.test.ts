import { describe, expect, it } from 'vitest'
import { Bench, command, range, storeIsDown } from '../../test/worker/worker-kit.js'
import { OLDEST_FIRST_EVERY } from '../domain/index.js'

/** A queue of tenants whose chunks of one command each are worked off one at a time. */
function tenants(weights: Record<string, number> = {}) {
  const order: string[] = []
  const definition = command({
    name: 'a',
    tenantKey: (payload) => payload as string,
    handle: (tenant: string) => void order.push(tenant),
  })
  const bench = new Bench([definition], { queue: { tenants: { weights } } })
  const append = async (tenant: string, count: number): Promise<void> => {
    for (const _ of range(count)) await bench.append('a', [tenant], { tenant })
  }
  return { bench, order, append }
}

describe('tenants of a queue', () => {
  it('take turns although one of them came first with very much', async () => {
    const { bench, order, append } = tenants()
    await append('big', 500)
    await append('small', 3)
    bench.start()
    await bench.clock.advance(50)
    expect(order.slice(0, 6).filter((tenant) => tenant === 'small')).toHaveLength(3)
  })

  it('that come later are served with the next claim', async () => {
    const { bench, order, append } = tenants()
    await append('big', 500)
    const process = bench.start()
    process.tamper.claim = async (call) => {
      if (order.length === 100) await append('late', 1)
      return call()
    }
    await bench.clock.advance(2_000)
    expect(order.indexOf('late')).toBeGreaterThanOrEqual(100)
    expect(order.indexOf('late')).toBeLessThanOrEqual(103)
    expect(order).toHaveLength(501)
  })

  it('are served by their weights', async () => {
    const { bench, order, append } = tenants({ heavy: 3 })
    await append('heavy', 400)
    await append('light', 400)
    bench.start()
    await bench.clock.advance(2_000)
    const heavy = order.slice(0, 200).filter((tenant) => tenant === 'heavy').length
    expect(heavy).toBeGreaterThanOrEqual(148)
    expect(heavy).toBeLessThanOrEqual(152)
  })

  it('that want nothing cost one question', async () => {
    const { bench } = tenants()
    const { calls } = bench.start()
    await bench.clock.advance(1_000)
    expect(calls.claim).toEqual([])
  })

  it('keep what was leased for them when the next turn fails', async () => {
    const definition = command({
      name: 'a',
      tenantKey: (payload) => payload as string,
      handleBatch: async (batch: string[]) => void order.push(...batch),
    })
    const order: string[] = []
    const bench = new Bench([definition], { queue: { tenants: {} } })
    for (const tenant of ['x', 'y', 'z']) await bench.append('a', [tenant], { tenant })
    const process = bench.process()
    process.tamper.claim = (call) => (process.calls.claim.length === 2 ? storeIsDown() : call())
    process.worker.start()
    await bench.clock.advance(1_000)
    expect([...order].sort()).toEqual(['x', 'y', 'z'])
  })
})

describe('priorities', () => {
  it('let a low one wait for a stated number of claims at most', async () => {
    const order: string[] = []
    const definition = command({
      name: 'a',
      handle: async (name: string) => {
        order.push(name)
        // For long there are always high ones.
        if (order.length < 60) await bench.append('a', ['high'], { priority: 10 })
      },
    })
    const bench: Bench = new Bench([definition])
    for (const _ of range(4)) await bench.append('a', ['high'], { priority: 10 })
    for (const _ of range(3)) await bench.append('a', ['low'])
    await bench.drain(bench.start())
    const places = order.flatMap((name, at) => (name === 'low' ? [at] : []))
    // The four of the beginning are older than any low one, and a chunk of the claim under way goes first.
    expect(places).toHaveLength(3)
    for (const [at, place] of places.entries())
      expect(place - (places[at - 1] ?? 4)).toBeLessThanOrEqual(OLDEST_FIRST_EVERY)
  })
})
