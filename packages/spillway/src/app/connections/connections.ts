// What lies outside of this process: the store, the brokers and journals of its queues. Which of them it needs to start, and to take
// commands, follows from its roles and from how its commands travel: a process that only takes commands and hands them to a journal or a
// broker starts without the database, and nothing but an incompatible broker keeps a process from starting without it.

import type { ChannelJournal } from '../../channels/index.js'
import {
  brokerOf,
  type ChannelSpec,
  type JournalSpec,
  type ResolvedConfig,
  type ResolvedQueue,
} from '../../config/index.js'
import { Journal, nodeFiles, nodeProcesses } from '../../journal/index.js'
import type {
  Broker,
  BrokerQueue,
  BrokerQueueState,
  Clock,
  NewChunkId,
  Random,
  Store,
  Telemetry,
} from '../../ports/index.js'
import type { JournalMeasure } from '../../telemetry/index.js'
import type { Role } from '../api.js'
import { BrokerLink } from './broker-link.js'
import { JournalLink } from './journal-link.js'
import { spoolOf } from './spool.js'
import { storeLink } from './store-link.js'

/** How long whoever asks for what is in the queues waits for a broker. */
const STATE_PATIENCE_MS = 1_000

export interface ConnectionsOptions {
  readonly config: ResolvedConfig
  readonly roles: readonly Role[]
  /** The store as all parts use it. */
  readonly store: Store
  /** A tool opens only what it comes to use. */
  readonly isTool: boolean
  readonly clock: Clock
  readonly random: Random
  readonly newChunkId: NewChunkId
  readonly telemetry: Telemetry
}

/** Something outside, and whether commands can be taken without it. */
export interface Dependency {
  readonly name: string
  readonly isNeeded: boolean
  /** What can be said of it while it works; throws when it does not. */
  readonly check: () => Promise<string>
}

export class Connections {
  readonly store: Store
  /** Whether commands can be taken, and so this process be ready, only with the store. */
  readonly needsStore: boolean
  readonly #options: ConnectionsOptions
  readonly #brokers: ReadonlyMap<Broker, BrokerLink>
  /** By spool folder. */
  readonly #journals: ReadonlyMap<string, JournalLink>
  #isStoreOpen = false

  constructor(options: ConnectionsOptions) {
    const { config, roles, store } = options
    const takes = roles.includes('intake')
    this.#options = options
    this.needsStore = !takes || queuesInUse(config).some(({ channel }) => !isCarried(channel))
    const standsAlone = !this.needsStore && roles.every((role) => role === 'intake')
    this.store = standsAlone ? storeLink(store, options) : store
    this.#brokers = brokerLinks(options)
    this.#journals = journalLinks(options)
  }

  async open(): Promise<void> {
    const { config, roles, isTool } = this.#options
    await this.store.open()
    this.#isStoreOpen = true
    if (isTool) return
    const inUse = queuesInUse(config)
    const opened = new Set<BrokerLink | JournalLink>()
    for (const { channel } of inUse) {
      const broker = brokerOf(channel)
      const isUsed = roles.includes('worker') || (roles.includes('intake') && channel.kind === 'broker')
      if (broker !== null && isUsed) opened.add(this.#brokers.get(broker) as BrokerLink)
      if (channel.kind === 'journal' && roles.includes('intake'))
        opened.add(this.#journals.get(spoolOf(channel)) as JournalLink)
    }
    await Promise.all([...opened].map((one) => one.open()))
  }

  /** The queue with its broker as the parts of this process use it. */
  linked(queue: ResolvedQueue): ResolvedQueue {
    const { channel } = queue
    const link = this.#brokers.get(brokerOf(channel) as Broker)
    if (link === undefined) return queue
    if (channel.kind === 'broker') return { ...queue, channel: { ...channel, broker: link } }
    return channel.kind === 'journal' ? { ...queue, channel: { ...channel, to: link } } : queue
  }

  journalOf({ channel }: ResolvedQueue): ChannelJournal | null {
    return channel.kind === 'journal' ? (this.#journals.get(spoolOf(channel)) ?? null) : null
  }

  /** What the brokers say of their queues, by name; queues of a broker that does not answer are absent. */
  async brokerStates(): Promise<ReadonlyMap<string, BrokerQueueState>> {
    const states = await this.#statesOf([...this.#brokers.values()])
    return new Map(states.map((state) => [state.queue, state]))
  }

  /** The same of those brokers alone that this process has to do with. */
  usedBrokerStates(): Promise<readonly BrokerQueueState[]> {
    return this.#statesOf([...this.#brokers.values()].filter((link) => link.isStarted))
  }

  /** Of the journals that this process writes. */
  async journalMeasures(): Promise<readonly JournalMeasure[]> {
    const measures: JournalMeasure[] = []
    for (const [spool, link] of this.#journals) {
      const state = await link.measure()
      if (state === null) continue
      const { bytes, freeBytes, full, failing } = state
      measures.push({ spool, bytes, bytesMax: link.bytesMax, freeBytes, isRefusing: full || failing })
    }
    return measures
  }

  async #statesOf(links: readonly BrokerLink[]): Promise<readonly BrokerQueueState[]> {
    const { clock } = this.#options
    const over = new AbortController()
    const patience = clock.sleep(STATE_PATIENCE_MS, over.signal).then(() => [])
    const answers = links.map((link) => Promise.race([link.state().catch(() => []), patience]))
    const states = (await Promise.all(answers)).flat()
    over.abort()
    return states
  }

  dependencies(): readonly Dependency[] {
    const takes = this.#options.roles.includes('intake')
    const inUse = queuesInUse(this.#options.config)
    const brokers = [...this.#brokers].filter(([, link]) => link.isStarted)
    const journals = [...this.#journals.values()].filter((link) => link.isStarted)
    return [
      ...brokers.map(([broker, link]) => ({
        name: `broker ${link.name}`,
        isNeeded:
          takes && inUse.some(({ channel }) => channel.kind === 'broker' && channel.broker === broker),
        check: async () => {
          await link.probe()
          return `${link.name} answers`
        },
      })),
      ...journals.map((link) => ({
        name: 'journal',
        isNeeded: takes,
        check: async () => {
          await link.probe()
          return `takes commands of ${link.queues.join(', ')}; holds ${(await link.measure())?.bytes ?? 0} bytes`
        },
      })),
    ]
  }

  /** All of them, even when one fails; the first failure is rethrown. The store is the last. */
  async close(): Promise<void> {
    const links = [...this.#journals.values(), ...this.#brokers.values()]
    const ends = await Promise.allSettled(links.map((link) => link.close()))
    if (this.#isStoreOpen) await this.store.close()
    const failure = ends.find((end) => end.status === 'rejected')
    if (failure !== undefined) throw failure.reason
  }
}

function isCarried({ kind }: ChannelSpec): boolean {
  return kind === 'broker' || kind === 'journal'
}

/** Queues that commands can be submitted to. */
function queuesInUse({ queues }: ResolvedConfig): readonly ResolvedQueue[] {
  return [...queues.values()].filter(({ commands }) => commands.length > 0)
}

function brokerLinks(options: ConnectionsOptions): ReadonlyMap<Broker, BrokerLink> {
  const byBroker = new Map<Broker, BrokerQueue[]>()
  for (const { name, partitions, channel } of options.config.queues.values()) {
    const broker = brokerOf(channel)
    if (broker !== null) byBroker.set(broker, [...(byBroker.get(broker) ?? []), { name, partitions }])
  }
  const links = [...byBroker].map(
    ([broker, queues]) => [broker, new BrokerLink({ ...options, broker, queues })] as const,
  )
  return new Map(links)
}

function journalLinks(options: ConnectionsOptions): ReadonlyMap<string, JournalLink> {
  const byFolder = new Map<string, { readonly spec: JournalSpec; readonly queues: string[] }>()
  for (const { name, channel } of options.config.queues.values()) {
    if (channel.kind !== 'journal') continue
    const folder = spoolOf(channel)
    const { spec, queues } = byFolder.get(folder) ?? { spec: channel, queues: [] }
    byFolder.set(folder, { spec, queues: [...queues, name] })
  }
  const links = [...byFolder].map(
    ([folder, { spec, queues }]) =>
      [
        folder,
        new JournalLink(queues, spec.maxJournalBytes, () => openJournal(folder, spec, options)),
      ] as const,
  )
  return new Map(links)
}

function openJournal(
  folder: string,
  { level, maxJournalBytes: maxBytes, minFreeBytes }: JournalSpec,
  { clock, telemetry, newChunkId: newWriterId }: ConnectionsOptions,
): Promise<Journal> {
  const machine = { files: nodeFiles, processes: nodeProcesses }
  return Journal.open({ folder, level, maxBytes, minFreeBytes, ...machine, clock, newWriterId, telemetry })
}
