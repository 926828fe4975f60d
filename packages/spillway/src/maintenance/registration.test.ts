import { describe, expect, it } from 'vitest'
import { eventsOf } from '../../test/worker/worker-kit.js'
import { SpillwayError } from '../errors/index.js'
import type { NodeDraft, StoreNodes, TelemetryEvent } from '../ports/index.js'
import { memory } from '../stores/memory/index.js'
import { seededRandom } from '../testing/seeded-random.js'
import { VirtualClock } from '../testing/virtual-clock.js'
import { Registration } from './registration.js'

const TTL_MS = 15_000
const NODE: NodeDraft = { id: 'n1', host: 'h', pid: 1, version: '1.0.0', roles: ['worker'] }

function setUp(over: Partial<StoreNodes> = {}) {
  const clock = new VirtualClock()
  const { nodes } = memory({ clock })
  const events: TelemetryEvent[] = []
  const registration = new Registration({
    ...{ node: NODE, ttlMs: TTL_MS, clock, random: seededRandom(1) },
    nodes: { ...nodes, ...over },
    telemetry: { record: (event) => void events.push(event) },
  })
  const stop = async () => {
    const stopping = registration.stop()
    await clock.advance(0)
    await stopping
  }
  return { clock, nodes, events, registration, stop }
}

describe('a registered process', () => {
  it('is there from its start until it stops', async () => {
    const { clock, nodes, registration, stop } = setUp()
    registration.start()
    await clock.advance(0)
    const startedAt = clock.now()
    for (let beat = 0; beat < 30; beat += 1) {
      await clock.advance(TTL_MS / 2)
      expect(await nodes.list()).toMatchObject([{ ...NODE, startedAt, alive: true }])
    }
    await stop()
    expect(await nodes.list()).toEqual([])
    expect(clock.pending).toBe(0)
  })

  it('says so when it cannot be registered, tries again soon, and stops all the same', async () => {
    let down = true
    const { clock, nodes, events, registration, stop } = setUp({
      heartbeat: (...args) =>
        down ? Promise.reject(new SpillwayError('store_unavailable', 'down')) : nodes.heartbeat(...args),
      leave: () => Promise.reject(new SpillwayError('store_unavailable', 'down')),
    })
    registration.start()
    await clock.advance(600_000)
    expect(await nodes.list()).toEqual([])
    down = false
    await clock.advance(TTL_MS / 3)
    expect(await nodes.list()).toMatchObject([{ id: 'n1', alive: true }])
    await stop()
    const where = eventsOf(events, 'fault').map((event) => event.where)
    expect(new Set(where)).toEqual(new Set(['node.heartbeat', 'node.leave']))
  })
})
