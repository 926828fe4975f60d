import { describe, expect, it } from 'vitest'
import { eventsOf, ProcessClock, range } from '../../test/worker/worker-kit.js'
import { SpillwayError } from '../errors/index.js'
import type { StoreNodes, TelemetryEvent } from '../ports/index.js'
import { memory } from '../stores/memory/index.js'
import { seededRandom } from '../testing/seeded-random.js'
import { VirtualClock } from '../testing/virtual-clock.js'
import { RoleKeeper } from './role-keeper.js'

const LEASE_MS = 12_000

function setUp() {
  const clock = new VirtualClock()
  const { nodes } = memory({ clock })
  const random = seededRandom(1)
  const keep = (nodeId: string, over: Partial<StoreNodes> = {}) => {
    const events: TelemetryEvent[] = []
    const taken: number[] = []
    const own = new ProcessClock(clock)
    const keeper = new RoleKeeper({
      ...{ role: 'maintenance', nodeId, leaseMs: LEASE_MS, clock: own, random },
      nodes: { ...nodes, ...over },
      telemetry: { record: (event) => void events.push(event) },
      onTaken: () => void taken.push(own.now()),
    })
    return { keeper, events, taken, clock: own }
  }
  const down = (): Promise<never> => Promise.reject(new SpillwayError('store_unavailable', 'down'))
  return { clock, nodes, keep, down }
}

async function stopped({ keeper }: { keeper: RoleKeeper }, clock: VirtualClock): Promise<void> {
  const stopping = keeper.stop()
  await clock.advance(0)
  await stopping
}

describe('a role', () => {
  it('is taken at once when it is free, told once, and kept for as long as the process lives', async () => {
    const { clock, nodes, keep } = setUp()
    const { keeper, events, taken } = keep('n1')
    expect(keeper.held).toBe(false)
    keeper.start()
    await clock.advance(0)
    for (const _ of range(50)) {
      expect(keeper.held).toBe(true)
      await clock.advance(LEASE_MS / 5)
    }
    expect(taken).toHaveLength(1)
    expect(eventsOf(events, 'lifecycle')).toMatchObject([
      { what: 'role.taken', details: { role: 'maintenance', node: 'n1', token: 1 } },
    ])
    expect(await nodes.roles()).toMatchObject([{ nodeId: 'n1', token: 1 }])
  })

  it('is held by one of many at any time', async () => {
    const { clock, keep } = setUp()
    const all = range(3).map((n) => keep(`n${n}`))
    for (const { keeper } of all) keeper.start()
    const holders = () => all.filter(({ keeper }) => keeper.held).length
    await clock.advance(0)
    for (const _ of range(30)) {
      expect(holders()).toBe(1)
      await clock.advance(1_000)
    }
  })

  it('goes to another node within a lease and a sixth after its holder died, and not before its lease is over', async () => {
    const { clock, keep } = setUp()
    const [first, second] = [keep('n1'), keep('n2')]
    first.keeper.start()
    await clock.advance(1)
    second.keeper.start()
    await clock.advance(30_000)
    first.clock.pause()
    const diedAt = clock.now()
    await clock.advance(LEASE_MS * (1 - 1 / 6) - 1)
    expect(second.keeper.held).toBe(false)
    await clock.advance(LEASE_MS / 3 + 1)
    expect(second.keeper.held).toBe(true)
    expect((second.taken[0] ?? 0) - diedAt).toBeLessThanOrEqual(LEASE_MS * (1 + 1 / 6))
  })

  it('is given up by a process that was stopped, before anybody else can have it', async () => {
    const { clock, keep } = setUp()
    const [first, second] = [keep('n1'), keep('n2')]
    first.keeper.start()
    await clock.advance(1)
    second.keeper.start()
    await clock.advance(1)
    first.clock.pause()
    for (const _ of range(60)) {
      await clock.advance(LEASE_MS / 20)
      expect([first, second].filter(({ keeper }) => keeper.held).length).toBeLessThan(2)
    }
    expect(second.keeper.held).toBe(true)
    first.clock.resume()
    await clock.advance(LEASE_MS)
    expect([first.keeper.held, second.keeper.held]).toEqual([false, true])
    expect(eventsOf(first.events, 'lifecycle').map(({ what }) => what)).toEqual(['role.taken', 'role.lost'])
  })

  it('is given up on doubt while the store does not answer, and is back soon after it does', async () => {
    const { clock, nodes, keep, down } = setUp()
    let isDown = false
    const acquire: StoreNodes['acquire'] = (...args) => (isDown ? down() : nodes.acquire(...args))
    const { keeper, events, taken } = keep('n1', { acquire })
    keeper.start()
    await clock.advance(0)
    isDown = true
    await clock.advance(LEASE_MS / 2)
    expect(keeper.held).toBe(true)
    await clock.advance(LEASE_MS / 2)
    expect(keeper.held).toBe(false)
    await clock.advance(600_000)
    isDown = false
    await clock.advance(LEASE_MS / 6)
    expect(keeper.held).toBe(true)
    expect(taken).toHaveLength(2)
    expect(eventsOf(events, 'fault')[0]).toMatchObject({ where: 'role.maintenance' })
  })

  it('is not believed to be held because of an answer that came too late', async () => {
    const { clock, nodes, keep } = setUp()
    const acquire: StoreNodes['acquire'] = async (...args) => {
      const lease = await nodes.acquire(...args)
      await clock.sleep(LEASE_MS)
      return lease
    }
    const { keeper } = keep('n1', { acquire })
    keeper.start()
    await clock.advance(LEASE_MS)
    expect(keeper.held).toBe(false)
  })

  it('is given back when its keeper stops', async () => {
    const { clock, nodes, keep } = setUp()
    const first = keep('n1')
    first.keeper.start()
    await clock.advance(1_000)
    await stopped(first, clock)
    expect(first.keeper.held).toBe(false)
    expect(await nodes.acquire('maintenance', 'n2', LEASE_MS)).toMatchObject({ nodeId: 'n2', token: 2 })
    expect(clock.pending).toBe(0)
  })

  it('does not keep its keeper from stopping when the store fails, or when it was never held', async () => {
    const { clock, keep, down } = setUp()
    const failing = keep('n1', { release: down })
    failing.keeper.start()
    await clock.advance(0)
    await stopped(failing, clock)
    expect(eventsOf(failing.events, 'fault')).toHaveLength(1)
    const idle = keep('n2')
    await stopped(idle, clock)
    expect(idle.events).toEqual([])
  })
})
