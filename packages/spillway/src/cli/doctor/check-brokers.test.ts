import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { brokerChannel, defineCommand, journal, resolveConfig } from '../../config/index.js'
import { SpillwayError } from '../../errors/index.js'
import type { Broker, BrokerQueueState } from '../../ports/index.js'
import { systemClock } from '../../runtime/index.js'
import { memory } from '../../stores/memory/index.js'
import { MemoryBroker, MemoryBrokerServer } from '../../testing/memory-broker/index.js'
import { checkBrokers } from './check-brokers.js'

const queues = (broker: Broker) => {
  const command = (name: string) =>
    defineCommand({ name, queue: name, input: z.unknown(), handle: () => undefined })
  const channel = brokerChannel(broker, {}, 'test')
  const config = resolveConfig({
    store: memory(),
    commands: ['clicks', 'audit', 'plain'].map(command),
    queues: { clicks: { channel }, audit: { channel: journal('./spool', { to: channel }) }, plain: {} },
  })
  return config.queues.values()
}

/** What a driver may do when it is opened and asked. */
function brokerThat(parts: Partial<Broker>): Broker & { closed: number } {
  const broker = {
    name: 'fake',
    capabilities: { ordered: true, messageBytesMax: 1_000_000 },
    closed: 0,
    open: async () => {},
    publish: async () => [],
    subscribe: async () => ({ close: async () => {} }),
    state: async (): Promise<readonly BrokerQueueState[]> => [],
    probe: async () => {},
    close: async () => {
      broker.closed += 1
    },
    ...parts,
  }
  return broker
}

describe('the doctor on brokers', () => {
  it('finds one that answers well, and names the queues that travel by it', async () => {
    const server = new MemoryBrokerServer({ clock: systemClock })
    expect(await checkBrokers(queues(new MemoryBroker(server)))).toEqual([
      { name: 'memory', level: 'ok', detail: 'answers; its queues are as they should be: clicks, audit' },
    ])
  })

  it('says so when it cannot be reached', async () => {
    const server = new MemoryBrokerServer({ clock: systemClock })
    server.kill()
    expect(await checkBrokers(queues(new MemoryBroker(server)))).toMatchObject([
      { name: 'memory', level: 'fail', advice: expect.stringContaining('Start it') },
    ])
  })

  it('says so when its queues are others than they should be, and closes it', async () => {
    const open = async () => {
      throw new SpillwayError('broker_incompatible', 'queue clicks is not durable: delete it')
    }
    const broker = brokerThat({ open })
    expect(await checkBrokers(queues(broker))).toMatchObject([
      {
        level: 'fail',
        detail: 'queue clicks is not durable: delete it',
        advice: expect.stringContaining('no process'),
      },
    ])
    expect(broker.closed).toBe(1)
  })

  it('passes on what the driver warns of, each warning once, and what was refused', async () => {
    const broker = brokerThat({
      open: async (_, telemetry) => {
        for (const text of ['it does not fsync', 'it does not fsync', 'redis://user:secret@host evicts'])
          telemetry?.record({ event: 'fault', where: 'broker.fake', error: new Error(text) })
      },
      state: async () => [
        { queue: 'clicks', waiting: 3, delivered: null, refused: 2 },
        { queue: 'audit', waiting: null, delivered: null, refused: null },
      ],
    })
    const findings = await checkBrokers(queues(broker))
    expect(findings.map(({ level, detail }) => [level, detail])).toEqual([
      ['ok', expect.anything()],
      ['warn', 'it does not fsync'],
      ['warn', expect.stringContaining('evicts')],
      ['warn', '2 messages of queue clicks that nobody can read'],
    ])
    expect(JSON.stringify(findings)).not.toContain('secret')
  })

  it('does not wait for ever for one that never answers', async () => {
    const never = () => new Promise<never>(() => {})
    const broker = brokerThat({ open: never, close: never })
    expect(await checkBrokers(queues(broker), { patienceMs: 10 })).toMatchObject([
      { level: 'fail', detail: expect.stringContaining('no answer') },
    ])
  })

  it('has nothing to say where there is no broker', async () => {
    expect(await checkBrokers(resolveConfig({ store: memory(), commands: [] }).queues.values())).toEqual([])
  })
})
