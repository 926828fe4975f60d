import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { envelopeOf, type FrameOptions } from '../../test/agent/model-tail.js'
import { defineCommand, journal, resolveConfig } from '../config/index.js'
import { readAddress } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import type { Broker, BrokerQueue, PublishVerdict, Store, TelemetryEvent } from '../ports/index.js'
import { memory } from '../stores/memory/index.js'
import { VirtualClock } from '../testing/virtual-clock.js'
import { createRoutes } from './routes.js'
import { spoolsOf } from './spools.js'

class ModelBroker {
  readonly name = 'model'
  readonly opened: (readonly BrokerQueue[])[] = []
  isUp = true
  isClosed = false
  messages = 0

  async open(queues: readonly BrokerQueue[]): Promise<void> {
    if (!this.isUp) throw new SpillwayError('broker_unavailable', 'away')
    this.opened.push(queues)
  }

  async publish(messages: readonly unknown[]): Promise<readonly PublishVerdict[]> {
    this.messages += messages.length
    const error = new SpillwayError('broker_unavailable', 'away')
    return messages.map(() => (this.isUp ? { status: 'confirmed' } : { status: 'unknown', error }))
  }

  async probe(): Promise<void> {
    if (!this.isUp) throw new SpillwayError('broker_unavailable', 'away')
  }

  async close(): Promise<void> {
    this.isClosed = true
  }
}

function rig(options: { readonly isOpen?: boolean } = {}) {
  const broker = new ModelBroker()
  const to = broker as unknown as Broker
  const toBroker = { ...journal('./spool'), to }
  const store: Store = memory()
  const commands = ['main', 'orders', 'letters'].map((queue) =>
    defineCommand({ name: `${queue}.do`, queue, input: z.unknown(), handle: () => {} }),
  )
  const { queues } = resolveConfig({
    store,
    commands,
    queues: {
      main: { channel: journal('./spool') },
      orders: { channel: toBroker },
      letters: { channel: toBroker },
    },
  })
  const events: TelemetryEvent[] = []
  const clock = new VirtualClock()
  const routes = createRoutes({
    ...{ queues: [...queues.values()], store, clock, ...options },
    telemetry: { record: (event) => events.push(event) },
  })
  const ship = async (n: number, frame: FrameOptions) => {
    const payload = envelopeOf(n, frame)
    const address = readAddress(payload)
    return (await routes.route(address.queue).ship([{ address, payload }]))[0]
  }
  return { broker, store, routes, ship, events, clock, queues: [...queues.values()] }
}

describe('the way of a frame', () => {
  it('leads where its queue’s journal says, and to the store for a queue nobody here knows', async () => {
    const { broker, store, ship, routes } = rig()
    expect(await ship(0, { queue: 'orders' })).toEqual({ status: 'shipped' })
    expect(await ship(1, { queue: 'letters' })).toEqual({ status: 'shipped' })
    expect(await ship(2, { queue: 'main' })).toEqual({ status: 'shipped' })
    expect(await ship(3, { queue: 'from-a-newer-release' })).toEqual({ status: 'shipped' })
    expect(broker.messages).toBe(2)
    expect((await store.reader.accounting()).accepted).toBe(2)
    // One connection, with all its queues.
    expect(broker.opened.map((queues) => queues.map(({ name }) => name))).toEqual([['orders', 'letters']])
    expect(routes.toBroker('orders')).not.toBeNull()
    expect(routes.toBroker('main')).toBeNull()
  })

  it('is opened by what needs it, again and again until it works, and said to fail once', async () => {
    const { broker, ship, routes, events, clock } = rig()
    const [way] = routes.toBrokers
    broker.isUp = false
    for (const n of [0, 1]) expect(await ship(n, { queue: 'orders' })).toMatchObject({ status: 'unknown' })
    expect(way?.failingSince).toBe(clock.now())
    await expect(way?.probe()).rejects.toMatchObject({ code: 'broker_unavailable' })
    broker.isUp = true
    await way?.probe()
    expect(await ship(0, { queue: 'orders' })).toEqual({ status: 'shipped' })
    expect(way?.failingSince).toBeNull()
    expect(broker.opened).toHaveLength(1)
    expect(events).toMatchObject([
      { event: 'fault', where: 'agent: model', error: { code: 'broker_unavailable' } },
      { event: 'lifecycle', what: 'agent: model takes frames again' },
    ])
  })

  it('is closed at the end where it was opened', async () => {
    const { broker, ship, routes } = rig()
    await routes.close()
    expect(broker.isClosed).toBe(false)
    await ship(0, { queue: 'orders' })
    await routes.close()
    expect(broker.isClosed).toBe(true)
  })

  it('is left open and closed to whoever owns it', async () => {
    const { broker, ship, routes } = rig({ isOpen: true })
    await ship(0, { queue: 'orders' })
    await routes.close()
    expect([broker.opened, broker.isClosed, broker.messages]).toEqual([[], false, 1])
  })
})

describe('the spools of an agent', () => {
  it('are those of the configuration, or those it is told, each once', () => {
    const { queues } = rig()
    expect(spoolsOf(queues)).toEqual([expect.stringMatching(/^\/.*\/spool$/)])
    expect(spoolsOf(queues, ['/a/b', '/a/c/../b/'])).toEqual(['/a/b'])
  })

  it('must be some', () => {
    expect(() => spoolsOf([])).toThrow(expect.objectContaining({ code: 'invalid_config' }))
  })
})
