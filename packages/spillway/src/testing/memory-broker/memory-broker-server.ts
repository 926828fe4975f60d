// The model of a broker: what every driver must look like from the outside, in the least code, with the bad days at a test's command.
// Messages outlive kill() as they outlive the crash of a broker that writes them to disk; everything on the way is lost or
// arrives, as the dice say. All of it runs on the clock it is given.

import { SpillwayError } from '../../errors/index.js'
import type { BrokerQueue, Clock, OutgoingMessage, Random } from '../../ports/index.js'
import { type Consumer, MemoryQueue, type RefusedMessage, type StoredMessage } from './memory-queue.js'

/** Messages of one queue at most, whatever becomes of them. */
const QUEUE_MESSAGES_MAX = 100_000
const MESSAGE_BYTES_MAX = 16 * 1024 * 1024
const CONFIRM_TIMEOUT_MS = 5_000

export interface MemoryBrokerOptions {
  readonly clock: Clock
  /** Decides what of the publishes under way arrived when the server is killed. Default: all of it. */
  readonly random?: Random
  /** Each way. Default 0: a deferral. */
  readonly latencyMs?: number
  readonly messageBytesMax?: number
  readonly queueMessagesMax?: number
  /** The broker's own deadline for a confirm and every other answer. Default 5,000. */
  readonly confirmTimeoutMs?: number
  /** Hears of every message that is published, delivered and ended, when the server does it. */
  readonly onEvent?: (event: MemoryBrokerEvent) => void
}

export interface MemoryBrokerEvent {
  readonly what: 'published' | 'delivered' | 'acked' | 'released' | 'refused'
  readonly queue: string
  readonly id: string
}

/** A process's connection, as the server sees it. */
export interface Connection {
  /** Of what it was sending, `random` decides what arrived. */
  lost(random: Random): void
  reconnect(): void
}

export class MemoryBrokerServer {
  readonly clock: Clock
  readonly messageBytesMax: number
  readonly confirmTimeoutMs: number
  readonly #options: MemoryBrokerOptions
  readonly #queues = new Map<string, MemoryQueue>()
  readonly #connections = new Set<Connection>()
  #state: 'up' | 'paused' | 'down' = 'up'
  /** What arrived while it stood still. */
  #held: (() => void)[] = []
  #seq = 0
  #confirmsToLose = 0
  #refusal: string | null = null
  #duplicatesToCome = 0

  constructor(options: MemoryBrokerOptions) {
    this.#options = options
    this.clock = options.clock
    this.messageBytesMax = options.messageBytesMax ?? MESSAGE_BYTES_MAX
    this.confirmTimeoutMs = options.confirmTimeoutMs ?? CONFIRM_TIMEOUT_MS
  }

  get isUp(): boolean {
    return this.#state !== 'down'
  }

  /** Every connection is lost, and with it what was on its way; messages stay. */
  kill(): void {
    if (this.#state === 'down') return
    this.#state = 'down'
    this.#held = []
    for (const connection of this.#connections) connection.lost(this.#options.random ?? (() => 0))
  }

  /** Whoever was connected connects again. */
  restart(): void {
    this.kill()
    this.#state = 'up'
    for (const connection of this.#connections) connection.reconnect()
  }

  /** Stands still, with its connections open, until `resume`. */
  pause(): void {
    if (this.#state === 'up') this.#state = 'paused'
  }

  resume(): void {
    if (this.#state !== 'paused') return
    this.#state = 'up'
    const held = this.#held
    this.#held = []
    for (const run of held) run()
    for (const queue of this.#queues.values()) queue.dispatch()
  }

  /** One connection is cut, and opens again. */
  cut(connection: Connection): void {
    connection.lost(this.#options.random ?? (() => 0))
    if (this.isUp) connection.reconnect()
  }

  /** Refuses every publish with this reason; null ends that. */
  refuse(reason: string | null): void {
    this.#refusal = reason
  }

  /** The next so many messages are kept without a word about it. */
  loseConfirms(messages: number): void {
    this.#confirmsToLose = messages
  }

  /** The next so many messages that are published are there twice. */
  duplicateNext(messages: number): void {
    this.#duplicatesToCome = messages
  }

  /** Messages nobody has; the oldest first. */
  waiting(queue: string): readonly OutgoingMessage[] {
    return (this.#queues.get(queue)?.waiting ?? []).map(({ message }) => message)
  }

  /** Messages that are delivered and not ended. */
  delivered(queue: string): readonly OutgoingMessage[] {
    return (this.#queues.get(queue)?.held ?? []).map(({ message }) => message)
  }

  refused(queue: string): readonly RefusedMessage[] {
    return [...(this.#queues.get(queue)?.refused ?? [])]
  }

  // What connections call. --------------------------------------------------------------------------------------------------

  /** Runs at the server after the way there; never when the connection is gone by then or the server is down. */
  toServer(isConnected: () => boolean, run: () => void): void {
    const arrive = (): void => {
      if (!isConnected() || this.#state === 'down') return
      if (this.#state === 'paused') this.#held.push(() => isConnected() && run())
      else run()
    }
    this.onTheWay(arrive)
  }

  onTheWay(run: () => void): void {
    const { latencyMs = 0 } = this.#options
    if (latencyMs === 0) this.clock.defer(run)
    else this.clock.schedule(latencyMs, run)
  }

  declare(queue: BrokerQueue): void {
    const known = this.#queues.get(queue.name)
    if (known === undefined) this.#queues.set(queue.name, new MemoryQueue(queue.name, queue.partitions))
    else if (known.partitions !== queue.partitions)
      throw new SpillwayError(
        'broker_incompatible',
        `Queue ${queue.name} exists with ${known.partitions ?? 'no'} partitions and was to have ${queue.partitions ?? 'none'}: use another name, or delete it.`,
      )
  }

  queue(name: string): MemoryQueue | undefined {
    return this.#queues.get(name)
  }

  /** Keeps a message; the error says why not. `silent`: it does, and tells nobody. */
  keep(message: OutgoingMessage): SpillwayError | 'kept' | 'silent' {
    const queue = this.#queues.get(message.queue)
    const problem = this.#problemOf(message, queue)
    if (queue === undefined || problem !== null) return problem ?? 'kept'
    this.#store(queue, message)
    if (this.#duplicatesToCome > 0) {
      this.#duplicatesToCome -= 1
      this.#store(queue, message)
    }
    this.record('published', queue.name, message)
    if (this.#state === 'up') queue.dispatch()
    if (this.#confirmsToLose === 0) return 'kept'
    this.#confirmsToLose -= 1
    return 'silent'
  }

  attach(queue: MemoryQueue, consumer: Consumer): void {
    queue.attach(consumer)
    queue.dispatch()
  }

  detach(queue: MemoryQueue, consumer: Consumer): void {
    queue.detach(consumer)
    if (this.#state === 'up') queue.dispatch()
  }

  end(queue: MemoryQueue, consumer: Consumer, stored: StoredMessage, end: Ending): void {
    if (!consumer.held.delete(stored)) return
    const { message } = stored
    if (end.what === 'released') queue.add(stored)
    if (end.what === 'refused') queue.refused.push({ message, reason: end.reason })
    this.record(end.what, queue.name, message)
    queue.dispatch()
  }

  record(what: MemoryBrokerEvent['what'], queue: string, { id }: OutgoingMessage): void {
    this.#options.onEvent?.({ what, queue, id })
  }

  connected(connection: Connection): void {
    this.#connections.add(connection)
  }

  forget(connection: Connection): void {
    this.#connections.delete(connection)
  }

  #store(queue: MemoryQueue, message: OutgoingMessage): void {
    this.#seq += 1
    queue.add({ message, seq: this.#seq, deliveries: 0 })
  }

  #problemOf(message: OutgoingMessage, queue: MemoryQueue | undefined): SpillwayError | null {
    const { queueMessagesMax = QUEUE_MESSAGES_MAX } = this.#options
    if (this.#refusal !== null)
      return new SpillwayError('broker_incompatible', `The broker refused the message: ${this.#refusal}`)
    if (queue === undefined)
      return new SpillwayError(
        'broker_incompatible',
        `The broker has no queue ${message.queue} any more: open it again before publishing to it.`,
      )
    if (queue.waiting.length + queue.held.length + queue.refused.length >= queueMessagesMax)
      return new SpillwayError(
        'broker_unavailable',
        `Queue ${queue.name} of the broker holds ${queueMessagesMax} messages, its limit: try again later.`,
      )
    return null
  }
}

export type Ending =
  | { readonly what: 'acked' | 'released' }
  | { readonly what: 'refused'; readonly reason: string }
