// One life of a member of a queue's consumer group: from joining until it leaves, fails or goes silent. The client reads on only while
// there is credit; while it waits for some, the group is told that we live, however long that takes. When the group changes, what was
// ended is committed before, and what is in hand comes again, to whoever has its partition then.

import type { Consumer, ConsumerGroupJoinEvent, EachBatchPayload } from 'kafkajs'
import type { Cancel } from '../../ports/index.js'
import { type Machine, within } from '../driver/index.js'
import { Client } from './client.js'
import { Commits } from './commits.js'
import { unavailable } from './failures.js'
import { Lane, type LaneParts } from './lane.js'
import type { KafkaSettings } from './options.js'

export interface MembershipParts extends Omit<LaneParts, 'onEnded'> {
  readonly settings: KafkaSettings
  readonly machine: Machine
  readonly topic: string
  readonly group: string
  /** Messages in hand at most. */
  readonly credit: number
  readonly onCommitted: (lane: Lane, offset: number) => void
}

/** Of one partition as well: batches that do not fit whole are sent in part, for nothing, and once more with the next. */
const FETCH_BYTES_MAX = 16 * 1024 * 1024
/** Partitions that are read in turn: one with a long backlog must not take all the credit while others have some too. */
const LANES_AT_ONCE = 64
/** Of a session. */
const HEARTBEAT_SHARE = 1 / 10
/** How long others may take to hear that the group changes. */
const REBALANCE_MS = 60_000
const CLIENT_RETRIES = 3

export class Membership {
  /** Resolves once it takes part, or has ended. */
  readonly begun: Promise<void>
  /** Resolves with what went wrong, or null when it was left in order. */
  readonly ended: Promise<unknown>
  readonly #parts: MembershipParts
  readonly #laneParts: LaneParts
  readonly #client: Client
  readonly #consumer: Consumer
  readonly #commits: Commits
  readonly #heartbeatMs: number
  #lanes = new Map<number, Lane>()
  #begun: () => void = () => {}
  #end: (why: unknown) => void = () => {}
  #isJoining = true
  #isOver = false
  /** Reads without credit, the longest first. */
  readonly #waiting = new Set<() => void>()
  #watch: Cancel = () => {}

  constructor(parts: MembershipParts) {
    const { settings, machine, topic, group } = parts
    this.#parts = parts
    this.#laneParts = { ...parts, onEnded: () => this.#ended() }
    this.#heartbeatMs = Math.max(1, Math.floor(settings.sessionMs * HEARTBEAT_SHARE))
    this.#client = new Client(settings)
    this.#consumer = this.#client.kafka.consumer({
      ...{ groupId: group, allowAutoTopicCreation: false, maxWaitTimeInMs: settings.fetchWaitMs },
      ...{ sessionTimeout: settings.sessionMs, heartbeatInterval: this.#heartbeatMs },
      ...{
        rebalanceTimeout: REBALANCE_MS,
        maxBytes: FETCH_BYTES_MAX,
        maxBytesPerPartition: FETCH_BYTES_MAX,
      },
      retry: { retries: CLIENT_RETRIES, restartOnFailure: () => Promise.resolve(false) },
    })
    this.#commits = new Commits({
      ...{ consumer: this.#consumer, topic, machine, lanes: () => this.#lanes.values() },
      onCommitted: parts.onCommitted,
    })
    this.begun = new Promise((resolve) => {
      this.#begun = resolve
    })
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
    this.#listen()
  }

  get lanes(): Iterable<Lane> {
    return this.#lanes.values()
  }

  get inHand(): number {
    let sum = 0
    for (const lane of this.#lanes.values()) sum += lane.inHand
    return sum
  }

  async begin(): Promise<void> {
    const { topic } = this.#parts
    this.#alive(REBALANCE_MS)
    try {
      await this.#consumer.connect()
      await this.#consumer.subscribe({ topic, fromBeginning: true })
      await this.#consumer.run({
        ...{ autoCommit: false, eachBatchAutoResolve: false, partitionsConsumedConcurrently: LANES_AT_ONCE },
        eachBatch: (payload) => this.#read(payload),
      })
    } catch (error) {
      this.#over(error)
    }
  }

  /** Commits what was ended and gives the rest to others. */
  async leave(): Promise<void> {
    if (this.#isOver) return
    const { machine, settings } = this.#parts
    const committed = this.#commits.now()
    this.#revoke()
    this.#wakeAll()
    const left = committed.then(() => this.#consumer.disconnect())
    await within(machine, settings.requestTimeoutMs, left, () => unavailable('no answer in time')).catch(
      () => {},
    )
    this.#over(null)
  }

  #listen(): void {
    const { on, events } = this.#consumer
    on(events.GROUP_JOIN, ({ payload }) => this.#joined(payload))
    on(events.REBALANCING, () => {
      this.#isJoining = true
      this.#alive(REBALANCE_MS)
      // Goes out before the request to join again, on the same connection.
      void this.#commits.now()
    })
    on(events.HEARTBEAT, () => this.#alive())
    on(events.FETCH, () => this.#alive())
    on(events.CRASH, ({ payload }) => this.#over(payload.error))
  }

  #joined({ memberAssignment }: ConsumerGroupJoinEvent['payload']): void {
    // Joined while messages were being read: some of them might pass for those that come next. A new membership knows none of them.
    if (!this.#isJoining) {
      this.#over(unavailable('partitions of the topic have moved'))
      return
    }
    this.#isJoining = false
    this.#alive()
    // The client reads from where the group was committed, partitions that it had before included: what was in hand comes again.
    this.#revoke()
    const partitions = memberAssignment[this.#parts.topic] ?? []
    this.#lanes = new Map(partitions.map((partition) => [partition, new Lane(partition, this.#laneParts)]))
    this.#begun()
    this.#wakeAll()
  }

  async #read({ batch, heartbeat, resolveOffset, isRunning }: EachBatchPayload): Promise<void> {
    const lane = this.#lanes.get(batch.partition)
    if (lane === undefined) return
    for (const message of batch.messages) {
      while (this.inHand >= this.#parts.credit && isRunning() && !lane.isVoid) {
        await this.#roomOrTime()
        await heartbeat()
      }
      if (!isRunning() || lane.isVoid) return
      resolveOffset(message.offset)
      lane.deliver(message)
      // The next is another partition's, when several are read.
      await null
    }
  }

  async #roomOrTime(): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        cancel()
        this.#waiting.delete(wake)
        resolve()
      }
      const cancel = this.#parts.machine.schedule(this.#heartbeatMs, wake)
      this.#waiting.add(wake)
    })
  }

  #wakeAll(): void {
    for (const wake of this.#waiting) wake()
  }

  #ended(): void {
    this.#commits.note()
    // There is room for one.
    const [wake] = this.#waiting
    wake?.()
  }

  /** A member that is not heard of for a session is none: its partitions are somebody else's. */
  #alive(graceMs = 0): void {
    const { machine, settings } = this.#parts
    this.#watch()
    if (this.#isOver) return
    this.#watch = machine.schedule(settings.sessionMs + graceMs, () => {
      this.#over(unavailable('the cluster was not heard of for a whole session'))
    })
  }

  #over(why: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#watch()
    this.#revoke()
    this.#wakeAll()
    this.#client.cut()
    // Ends what the client does by itself; there is nobody to tell any more.
    this.#consumer.disconnect().catch(() => {})
    this.#begun()
    this.#end(why)
  }

  #revoke(): void {
    for (const lane of this.#lanes.values()) lane.revoke()
  }
}
