// Where the frames of a queue go, by the configuration: to what its journal names, and to the store when it names nothing. So does a queue
// that this process has never heard of, because its writer runs a newer configuration: any worker that knows it will find it there.

import type { ResolvedQueue } from '../config/index.js'
import type { Broker, BrokerQueue, Clock, Store, Telemetry } from '../ports/index.js'
import { brokerDestination } from './broker-destination.js'
import type { Destination } from './destination.js'
import { type OpenedDestination, openFirst } from './opened-destination.js'
import { storeDestination } from './store-destination.js'
import { type WatchedDestination, watchDestination } from './watched-destination.js'

export interface RoutesOptions {
  readonly queues: readonly ResolvedQueue[]
  readonly store: Store
  /** Somebody else opens and closes store and brokers. */
  readonly isOpen?: boolean
  readonly clock: Clock
  readonly telemetry: Telemetry
}

/** A way to ship, with how it goes. */
export interface Way extends WatchedDestination, Pick<OpenedDestination, 'open' | 'probe'> {}

export interface Routes {
  readonly route: (queue: string) => Destination
  /** The broker that a queue's journal names, if it names one. */
  readonly toBroker: (queue: string) => Destination | null
  readonly toStore: Way
  /** Those that queues name. */
  readonly toBrokers: readonly Way[]
  close(): Promise<void>
}

export function createRoutes(options: RoutesOptions): Routes {
  const { store, isOpen = false } = options
  const opened: OpenedDestination[] = []
  const wayTo = (destination: Destination, opening: Parameters<typeof openFirst>[1]): Way => {
    const first = openFirst(destination, opening)
    opened.push(first)
    return Object.assign(watchDestination(first, options), { open: first.open, probe: first.probe })
  }
  const toStore = wayTo(storeDestination(store), {
    open: async () => (isOpen ? undefined : store.open()),
    probe: () => store.probe(),
    close: async () => (isOpen ? undefined : store.close()),
  })
  const byQueue = new Map<string, Way>()
  const toBrokers: Way[] = []
  for (const [broker, queues] of brokersOf(options.queues)) {
    const way = wayTo(brokerDestination(broker), {
      open: async () => (isOpen ? undefined : broker.open(queues)),
      probe: () => broker.probe(),
      close: async () => (isOpen ? undefined : broker.close()),
    })
    toBrokers.push(way)
    for (const { name } of queues) byQueue.set(name, way)
  }
  return {
    route: (queue) => byQueue.get(queue) ?? toStore,
    toBroker: (queue) => byQueue.get(queue) ?? null,
    toStore,
    toBrokers,
    async close() {
      await Promise.all(opened.map((destination) => destination.close()))
    },
  }
}

function brokersOf(queues: readonly ResolvedQueue[]): Map<Broker, BrokerQueue[]> {
  const brokers = new Map<Broker, BrokerQueue[]>()
  for (const { name, partitions, channel } of queues) {
    if (channel.kind !== 'journal' || channel.to === 'store') continue
    const queue = { name, partitions }
    const others = brokers.get(channel.to)
    if (others === undefined) brokers.set(channel.to, [queue])
    else others.push(queue)
  }
  return brokers
}
