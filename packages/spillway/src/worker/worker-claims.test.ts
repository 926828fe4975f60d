import { describe, expect, it } from 'vitest'
import { Bench, command, eventsOf, range, storeIsDown, waitingCommand } from '../../test/worker/worker-kit.js'

const LEASE_MS = 3_000

describe('a store that fails', () => {
  it('is asked less and less often, and work goes on when it is back', async () => {
    const seen: number[] = []
    const bench = new Bench([command({ name: 'a', handle: (at) => void seen.push(at) })])
    const process = bench.process()
    process.tamper.claim = storeIsDown
    process.worker.start()
    await bench.append('a', [1])
    await bench.clock.advance(60_000)
    expect(process.calls.claim.length).toBeGreaterThan(10)
    expect(process.calls.claim.length).toBeLessThan(40)
    expect(eventsOf(process.events, 'fault').every(({ where }) => where === 'worker.claim')).toBe(true)
    delete process.tamper.claim
    await bench.clock.advance(5_000)
    expect(seen).toEqual([1])
  })

  it('is not asked sooner because somebody announces work', async () => {
    const bench = new Bench([command({ name: 'a', handle: () => undefined })])
    const process = bench.process()
    process.tamper.claim = storeIsDown
    process.worker.start()
    await bench.clock.advance(20_000)
    const before = process.calls.claim.length
    for (const at of range(100)) await bench.append('a', [at])
    await bench.clock.advance(1)
    expect(process.calls.claim.length - before).toBeLessThanOrEqual(1)
  })

  it('that answers a claim only after the lease is over gives no lease', async () => {
    const { started, definition } = waitingCommand()
    const bench = new Bench([definition], { leaseMs: LEASE_MS })
    await bench.append('a', [1])
    const process = bench.process()
    process.tamper.claim = async (call) => {
      const leases = await call()
      await bench.clock.sleep(process.calls.claim.length === 1 ? LEASE_MS + 1 : 0)
      return leases
    }
    process.worker.start()
    await bench.clock.advance(LEASE_MS * 2)
    expect(eventsOf(process.events, 'lease.lost')).toMatchObject([{ reason: 'expired' }])
    expect(started.map(({ attempt }) => attempt)).toEqual([2])
  })
})
