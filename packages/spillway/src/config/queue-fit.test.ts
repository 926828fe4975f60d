import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Broker, BrokerCapabilities } from '../ports/index.js'
import { memory } from '../stores/memory/index.js'
import {
  type BrokerChannelOptions,
  brokerChannel,
  type CommandOptions,
  defineCommand,
  type JournalChannelOptions,
  journal,
  type QueueOptions,
  resolveConfig,
} from './index.js'

const input = z.object({ id: z.string() })
const byId = ({ id }: { id: string }): string => id

function broker(capabilities: Partial<BrokerCapabilities> = {}): Broker {
  const nothing = async () => {}
  return {
    name: 'pigeons',
    capabilities: { ordered: true, messageBytesMax: 1_000, ...capabilities },
    ...{ open: nothing, probe: nothing, close: nothing, state: async () => [], publish: async () => [] },
    subscribe: async () => ({ close: nothing }),
  }
}

const byBroker = (options: BrokerChannelOptions = {}, of = broker()) => brokerChannel(of, options, 'pigeons')

function resolved(queue: QueueOptions, command: Partial<CommandOptions<string, typeof input>> = {}) {
  const click = defineCommand({ name: 'click', input, handle: () => undefined, ...command })
  return resolveConfig({ store: memory(), commands: [click], queues: { default: queue } }).queues.get(
    'default',
  )
}

describe('a queue whose commands are leased through the store', () => {
  it.each([
    ['the journal', journal('./spool')],
    ['the journal and then a broker', journal('./spool', { to: byBroker() })],
    ['a broker', byBroker()],
  ])('may be shaped as any other when they come by %s', (_, channel) => {
    const rate = { limit: 10, per: '1s' } as const
    expect(
      resolved(
        {
          channel,
          ...{ ordered: { partitions: 4 }, rateLimit: rate, keyRateLimit: rate, tenants: {} },
          ...{ admission: { perTenant: rate }, concurrency: { min: 1, max: 4 } },
        },
        {
          ...{ orderingKey: byId, rateKey: byId, tenantKey: byId, breaker: true },
          settlement: 'transaction',
        },
      ),
    ).toMatchObject({ channel: { kind: channel.kind }, partitions: 4, adaptive: { min: 1 } })
  })

  it.each(['maxDepth', 'maxBytes', 'maxAge'] as const)(
    'cannot be bounded by %s in the store while they are on their way',
    (name) => {
      const admission = { [name]: 5 }
      expect(() => resolved({ channel: journal('./spool'), admission })).toThrow(
        new RegExp(
          `^queues.default.admission.${name}: expected the 'store' channel.*journal\\(folder, { maxBytes }\\)`,
        ),
      )
      expect(() => resolved({ channel: byBroker(), admission })).toThrow(
        /by a limit of the queue on the broker/,
      )
    },
  )

  it('is not ordered by a broker that does not keep the order', () => {
    const disorderly = byBroker({}, broker({ ordered: false }))
    const ordered = { ordered: {} }
    const message = /^queues\.default\.ordered: expected .*a broker that keeps the order, received "pigeons"/
    expect(() => resolved({ channel: disorderly, ...ordered }, { orderingKey: byId })).toThrow(message)
    expect(() =>
      resolved({ channel: journal('./spool', { to: disorderly }), ...ordered }, { orderingKey: byId }),
    ).toThrow(message)
  })
})

describe('the channel of a broker', () => {
  it('has bounds, an envelope and credit by default', () => {
    expect(byBroker()).toMatchObject({
      ...{ kind: 'broker', envelope: 'chunk', publishesMax: 4, credit: 64, whenFull: 'abort' },
      ...{ blockTimeoutMs: 5_000, maxItems: 100_000, maxBytes: 64 * 1024 * 1024 },
    })
    expect(byBroker({ envelope: 'cloudevents' })).toMatchObject({ credit: 1_000 })
  })

  it.each([
    [{ envelope: 'xml' as never }, /^pigeons\.envelope: expected one of chunk, cloudevents/],
    [{ publishesMax: 0 }, /^pigeons\.publishesMax/],
    [{ credit: 1.5 }, /^pigeons\.credit/],
    [{ whenFull: 'spill' as never }, /^pigeons\.whenFull/],
    [{ blockTimeout: 'long' as never }, /^pigeons\.blockTimeout/],
    [{ maxItems: 0 }, /^pigeons\.maxItems/],
  ])('refuses %j and names the path', (options, message) => {
    expect(() => byBroker(options)).toThrow(message)
  })
})

describe('the channel of a journal', () => {
  it('is synced, bounded and for the store by default', () => {
    expect(journal(new URL('file:///var/spool'))).toMatchObject({
      ...{ kind: 'journal', folder: '/var/spool', level: 'synced', to: 'store', credit: 64 },
      ...{ maxJournalBytes: 10 * 1024 ** 3, minFreeBytes: 256 * 1024 ** 2, whenFull: 'block' },
    })
    expect(journal('./spool', { maxWaitingBytes: '1mb' })).toMatchObject({ maxBytes: 1024 ** 2 })
    const to = byBroker({ credit: 7 })
    expect(journal('./spool', { to })).toMatchObject({ to: to.broker, credit: 7 })
  })

  it.each<[string, JournalChannelOptions, RegExp]>([
    ['', {}, /^journal\.folder: expected the path of a folder/],
    ['./spool', { level: 'safe' as never }, /^journal\.level: expected one of written, synced/],
    ['./spool', { maxBytes: 'much' as never }, /^journal\.maxBytes/],
    ['./spool', { maxByte: 1 } as never, /^journal\.maxByte: expected one of level, maxBytes/],
    ['./spool', { to: 'broker' as never }, /^journal\.to: expected 'store' or a broker/],
  ])('refuses %j with %j and names the path', (folder, options, message) => {
    expect(() => journal(folder, options)).toThrow(message)
  })

  it.each([
    ['level', { level: 'written' }],
    ['maxBytes', { maxBytes: '1gb' }],
    ['minFreeBytes', { minFreeBytes: '1gb' }],
  ] as const)('has one %s for all queues of a folder', (option, options) => {
    const config = (second: string) => ({
      store: memory(),
      commands: [],
      queues: { a: { channel: journal('./spool') }, b: { channel: journal(second, options) } },
    })
    expect(() => resolveConfig(config('./spool/.'))).toThrow(
      new RegExp(`^queues\\.b\\.channel\\.${option}: expected .* as of queue a, which shares its journal`),
    )
    expect(() => resolveConfig(config('./other'))).not.toThrow()
  })
})
