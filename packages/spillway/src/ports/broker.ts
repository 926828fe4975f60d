// What a message broker must do for Spillway: keep messages until they are acknowledged, and say so when it has one. Batch in, one verdict
// per message out. A message is a chunk in its envelope, or a single command from elsewhere; the broker never looks inside. Everything about
// retries, delays and failures happens in the store: a message is delivered again only after a crash.

import type { SpillwayError } from '../errors/index.js'
import type { Telemetry } from './telemetry.js'

export interface BrokerCapabilities {
  /** Messages of one partition are delivered in the order of their publication, as long as nobody crashes. */
  readonly ordered: boolean
  /** Bytes of the largest message. */
  readonly messageBytesMax: number
}

/** A queue as a broker sees it. */
export interface BrokerQueue {
  readonly name: string
  /** Partitions of an ordered queue, else null. */
  readonly partitions: number | null
}

export interface OutgoingMessage {
  /** The chunk's id, or the command's: a resend carries the same. */
  readonly id: string
  readonly queue: string
  readonly partition: number | null
  readonly contentType: string
  /** Further properties, as text; names are lower case letters, digits and hyphens. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/**
 * `confirmed`: the broker keeps it, as safely as its settings go. `refused`: it does not and never will (too large, nobody to route it to).
 * `unknown`: no answer in time or the connection was lost; it may be there or not, and has to be sent again with the same id.
 */
export type PublishVerdict =
  | { readonly status: 'confirmed' }
  | { readonly status: 'refused'; readonly error: SpillwayError }
  | { readonly status: 'unknown'; readonly error: SpillwayError }

/** A message in this process's hands. One of ack, release and refuse ends it; later calls, and calls after the connection it came by was lost, change nothing. */
export interface Delivery {
  /** The message's id if it has one. */
  readonly id: string | null
  readonly contentType: string | null
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  /** The broker says that it was delivered before. False says nothing. */
  readonly redelivered: boolean
  /** It is in good hands and not to be delivered again. */
  ack(): void
  /** To be delivered again soon, to whoever consumes. */
  release(): void
  /** Nobody can read it: kept where refused messages of the queue are kept, with the reason, and not delivered again. */
  refuse(reason: string): void
}

export interface SubscribeRequest {
  readonly queue: string
  /** Messages delivered and not ended at most. */
  readonly credit: number
  readonly onDelivery: (delivery: Delivery) => void
}

export interface Subscription {
  /** No more deliveries; what is not ended then is delivered to others. Resolves once that is so. */
  close(): Promise<void>
}

export interface BrokerQueueState {
  readonly queue: string
  /** Messages that nobody has taken, or null where the broker does not say. */
  readonly waiting: number | null
  /** Delivered and not acknowledged, or null. */
  readonly delivered: number | null
  /** Refused messages that are kept, or null. */
  readonly refused: number | null
}

export interface Broker {
  /** Short name for messages and metrics: `rabbitmq`, `nats`, `kafka`, `redis`. */
  readonly name: string
  readonly capabilities: BrokerCapabilities
  /**
   * Connects, and makes sure the queues exist as they should. Throws `broker_unavailable`, or `broker_incompatible` when they exist otherwise. From then on reconnects by itself.
   * `telemetry` hears of settings of the broker that make it less safe than it could be, and of lost connections.
   */
  open(queues: readonly BrokerQueue[], telemetry?: Telemetry): Promise<void>
  /** Resolves when every message has its verdict, which takes no longer than the broker's own deadline. Never rejects for what a broker does. */
  publish(messages: readonly OutgoingMessage[]): Promise<readonly PublishVerdict[]>
  /** Deliveries begin at once and go on after a lost connection, until it is closed. */
  subscribe(request: SubscribeRequest): Promise<Subscription>
  /** Of the queues it was opened with. */
  state(): Promise<readonly BrokerQueueState[]>
  /** Does something harmless that needs the broker: throws when it cannot be reached. For readiness. */
  probe(): Promise<void>
  /** Ends subscriptions and connections; publishes under way get their verdict first. */
  close(): Promise<void>
}
