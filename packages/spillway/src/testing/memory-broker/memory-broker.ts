// One connection to the memory broker's server, as a driver has one: it opens again by itself, and what was delivered over a
// lost one can no longer be ended.

import { SpillwayError } from '../../errors/index.js'
import type {
  Broker,
  BrokerCapabilities,
  BrokerQueue,
  BrokerQueueState,
  Delivery,
  OutgoingMessage,
  PublishVerdict,
  Random,
  SubscribeRequest,
  Subscription,
} from '../../ports/index.js'
import type { Connection, Ending, MemoryBrokerServer } from './memory-broker-server.js'
import type { Consumer, MemoryQueue, StoredMessage } from './memory-queue.js'

/** What is lost with a connection. */
interface Link {
  isOpen: boolean
}

interface Publish {
  readonly message: OutgoingMessage
  /** The server has it, or has said no. */
  hasArrived: boolean
  readonly answer: (verdict: PublishVerdict) => void
}

interface Subscribed {
  readonly request: SubscribeRequest
  readonly queue: MemoryQueue
  consumer: Consumer | null
}

const CONFIRMED: PublishVerdict = Object.freeze({ status: 'confirmed' })

export class MemoryBroker implements Broker, Connection {
  readonly name = 'memory'
  readonly capabilities: BrokerCapabilities
  readonly #server: MemoryBrokerServer
  readonly #confirmTimeoutMs: number
  readonly #queues = new Map<string, BrokerQueue>()
  readonly #publishes = new Set<Publish>()
  readonly #subscriptions = new Set<Subscribed>()
  /** Ends questions that wait for their answer. */
  readonly #questions = new Set<(error: SpillwayError) => void>()
  #link: Link = { isOpen: false }
  #isWanted = false
  #isClosed = false

  /** `confirmTimeoutMs`: its own deadline; default the one that the server has for all. */
  constructor(server: MemoryBrokerServer, confirmTimeoutMs = server.confirmTimeoutMs) {
    this.#server = server
    this.#confirmTimeoutMs = confirmTimeoutMs
    this.capabilities = { ordered: true, messageBytesMax: server.messageBytesMax }
  }

  async open(queues: readonly BrokerQueue[]): Promise<void> {
    if (!this.#server.isUp) throw unavailable('could not be reached')
    this.#isWanted = true
    this.#isClosed = false
    this.#server.connected(this)
    this.#connect()
    await this.#ask(() => {
      for (const queue of queues) this.#server.declare(queue)
    })
    for (const queue of queues) this.#queues.set(queue.name, queue)
  }

  publish(messages: readonly OutgoingMessage[]): Promise<readonly PublishVerdict[]> {
    return Promise.all(messages.map((message) => this.#publishOne(message)))
  }

  async subscribe(request: SubscribeRequest): Promise<Subscription> {
    if (this.#isClosed) throw closed()
    const queue = this.#queues.has(request.queue) ? this.#server.queue(request.queue) : undefined
    if (queue === undefined)
      throw new SpillwayError(
        'invalid_argument',
        `Open the broker with queue ${request.queue} to subscribe to it.`,
      )
    const subscribed: Subscribed = { request, queue, consumer: null }
    this.#subscriptions.add(subscribed)
    this.#consume(subscribed)
    return { close: () => this.#unsubscribe(subscribed) }
  }

  state(): Promise<readonly BrokerQueueState[]> {
    return this.#ask(() =>
      Array.from(this.#queues.keys(), (name) => {
        const queue = this.#server.queue(name)
        return {
          queue: name,
          waiting: queue?.waiting.length ?? null,
          delivered: queue?.held.length ?? null,
          refused: queue?.refused.length ?? null,
        }
      }),
    )
  }

  async probe(): Promise<void> {
    await this.#ask(() => {})
  }

  async close(): Promise<void> {
    await Promise.all([...this.#subscriptions].map((subscribed) => this.#unsubscribe(subscribed)))
    this.#isWanted = false
    this.#isClosed = true
    while (this.#publishes.size > 0) await this.#publishesEnd()
    this.#link.isOpen = false
    for (const fail of [...this.#questions]) fail(closed())
    this.#server.forget(this)
  }

  /** The connection is lost. Of what was not confirmed, some had arrived. */
  lost(random: Random): void {
    const link = this.#link
    if (!link.isOpen) return
    for (const publish of this.#publishes)
      if (!publish.hasArrived && random() < 0.5) this.#server.keep(publish.message)
    link.isOpen = false
    for (const subscribed of this.#subscriptions) this.#detach(subscribed)
    const error = unavailable('lost the connection before it answered')
    for (const { answer } of [...this.#publishes]) answer({ status: 'unknown', error })
    for (const fail of [...this.#questions]) fail(error)
  }

  reconnect(): void {
    if (!this.#isWanted) return
    this.#connect()
    for (const subscribed of this.#subscriptions) this.#consume(subscribed)
  }

  #connect(): void {
    if (!this.#link.isOpen) this.#link = { isOpen: true }
  }

  #publishOne(message: OutgoingMessage): Promise<PublishVerdict> {
    const error = this.#refusalOf(message)
    if (error !== null) return Promise.resolve({ status: 'refused', error })
    return new Promise((resolve) => {
      const expire = (): void =>
        publish.answer({ status: 'unknown', error: unavailable('did not confirm in time') })
      const cancel = this.#server.clock.schedule(this.#confirmTimeoutMs, expire)
      const publish: Publish = {
        message,
        hasArrived: false,
        answer: (verdict) => {
          cancel()
          this.#publishes.delete(publish)
          resolve(verdict)
        },
      }
      this.#publishes.add(publish)
      this.#send(publish)
    })
  }

  #refusalOf({ queue, body }: OutgoingMessage): SpillwayError | null {
    const { messageBytesMax } = this.capabilities
    if (this.#isWanted && !this.#queues.has(queue))
      return new SpillwayError('invalid_argument', `Open the broker with queue ${queue} to publish to it.`)
    if (body.byteLength <= messageBytesMax) return null
    return new SpillwayError(
      'payload_too_large',
      `The message has ${body.byteLength} bytes and the broker takes ${messageBytesMax}: send less at a time.`,
    )
  }

  #send(publish: Publish): void {
    const link = this.#link
    if (!link.isOpen) {
      this.#server.onTheWay(() =>
        publish.answer({ status: 'unknown', error: unavailable('could not be reached') }),
      )
      return
    }
    this.#server.toServer(
      () => link.isOpen,
      () => {
        publish.hasArrived = true
        const kept = this.#server.keep(publish.message)
        if (kept === 'silent') return
        this.#toClient(link, () => publish.answer(kept === 'kept' ? CONFIRMED : verdictOf(kept)))
      },
    )
  }

  #consume(subscribed: Subscribed): void {
    const link = this.#link
    if (!link.isOpen) return
    const { request, queue } = subscribed
    const consumer: Consumer = {
      credit: request.credit,
      held: new Set(),
      send: (stored) =>
        this.#toClient(link, () => {
          if (subscribed.consumer !== consumer || !this.#subscriptions.has(subscribed)) return
          this.#server.record('delivered', queue.name, stored.message)
          request.onDelivery(this.#deliveryOf(link, queue, consumer, stored))
        }),
    }
    subscribed.consumer = consumer
    this.#server.toServer(
      () => link.isOpen && subscribed.consumer === consumer,
      () => this.#server.attach(queue, consumer),
    )
  }

  #deliveryOf(link: Link, queue: MemoryQueue, consumer: Consumer, stored: StoredMessage): Delivery {
    const { id, contentType, headers = {}, body } = stored.message
    let isOver = false
    const end = (ending: Ending): void => {
      if (isOver) return
      isOver = true
      this.#server.toServer(
        () => link.isOpen,
        () => this.#server.end(queue, consumer, stored, ending),
      )
    }
    return {
      ...{ id, contentType, headers, body, redelivered: stored.deliveries > 1 },
      ack: () => end({ what: 'acked' }),
      release: () => end({ what: 'released' }),
      refuse: (reason) => end({ what: 'refused', reason }),
    }
  }

  async #unsubscribe(subscribed: Subscribed): Promise<void> {
    if (!this.#subscriptions.delete(subscribed)) return
    // By way of the server, after the acks that were sent before; a server that does not answer has to do without.
    const { consumer } = subscribed
    await this.#ask(() => {}).catch(() => {})
    if (subscribed.consumer === consumer) this.#detach(subscribed)
  }

  #detach(subscribed: Subscribed): void {
    const { consumer, queue } = subscribed
    subscribed.consumer = null
    if (consumer !== null) this.#server.detach(queue, consumer)
  }

  /** There and back. */
  #ask<T>(question: () => T): Promise<T> {
    const link = this.#link
    if (this.#isClosed) return Promise.reject(closed())
    if (!link.isOpen) return Promise.reject(unavailable('could not be reached'))
    return new Promise((resolve, reject) => {
      const end = (): void => {
        cancel()
        this.#questions.delete(fail)
      }
      const fail = (error: unknown): void => {
        end()
        reject(error)
      }
      const cancel = this.#server.clock.schedule(this.#confirmTimeoutMs, () =>
        fail(unavailable('did not answer in time')),
      )
      this.#questions.add(fail)
      this.#server.toServer(
        () => link.isOpen,
        () => {
          try {
            const answer = question()
            this.#toClient(link, () => {
              end()
              resolve(answer)
            })
          } catch (error) {
            fail(error)
          }
        },
      )
    })
  }

  #toClient(link: Link, run: () => void): void {
    this.#server.onTheWay(() => {
      if (link.isOpen) run()
    })
  }

  #publishesEnd(): Promise<void> {
    return new Promise((resolve) => this.#server.onTheWay(resolve))
  }
}

function verdictOf(error: SpillwayError): PublishVerdict {
  return { status: error.retryable ? 'unknown' : 'refused', error }
}

function closed(): SpillwayError {
  return new SpillwayError('closed', 'Open the broker again before using it: it was closed.')
}

function unavailable(what: string): SpillwayError {
  return new SpillwayError('broker_unavailable', `The broker ${what}: see whether it runs, and send again.`)
}
