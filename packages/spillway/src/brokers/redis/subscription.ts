// A subscription across connections: a new consumer on each, and on the next what the last one had in hand is given back.

import type { Cancel, SubscribeRequest, Subscription } from '../../ports/index.js'
import type { Machine } from '../driver/index.js'
import type { Line, RedisLink } from './link.js'
import { GROUP, NOBODY, type QueueKeys } from './names.js'
import type { RedisSettings } from './options.js'
import { Reader } from './reader.js'
import { Turn } from './turn.js'

export interface SubscriptionParts {
  readonly link: RedisLink
  readonly machine: Machine
  readonly settings: RedisSettings
  readonly keys: QueueKeys
  readonly request: SubscribeRequest
  /** One process reads at a time. */
  readonly isOrdered: boolean
  readonly onClosed: (subscription: RedisSubscription) => void
}

export class RedisSubscription implements Subscription {
  readonly #parts: SubscriptionParts
  readonly #stopListening: Cancel
  #turn: Turn | null = null
  #reader: Reader | null = null
  /** Consumers of connections that were lost. */
  #left: string[] = []
  #consumer: string | null = null
  #closing: Promise<void> | null = null

  constructor(parts: SubscriptionParts) {
    this.#parts = parts
    this.#stopListening = parts.link.listen({
      begin: (line) => this.#begin(line),
      end: () => this.#abandon(),
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#stopListening()
    // The turn goes last: whoever gets it finds all that this one had.
    await this.#reader?.close()
    await this.#turn?.close()
    this.#parts.onClosed(this)
  }

  #begin(line: Line): void {
    const { keys, machine, settings, link, isOrdered } = this.#parts
    this.#giveBackLeft(line)
    if (!isOrdered) {
      this.#read(line)
      return
    }
    this.#turn = new Turn({
      ...{ line, machine, keys, ackWaitMs: settings.ackWaitMs, holder: machine.newName() },
      onTaken: () => this.#read(line),
      onLost: () => {
        this.#stopReading()
        this.#giveBackLeft(line)
      },
      onFault: (error) => link.report(error),
    })
  }

  #read(line: Line): void {
    const { keys, machine, settings, link, request, isOrdered } = this.#parts
    const consumer = machine.newName()
    this.#consumer = consumer
    this.#reader = new Reader({
      ...{ line, machine, keys, request, consumer, ackWaitMs: settings.ackWaitMs, isAlone: isOrdered },
      mayRead: () => this.#turn?.isOurs() ?? true,
      onFault: (error) => link.report(error),
      onLost: (why) => link.drop(line, why),
    })
  }

  #abandon(): void {
    this.#stopReading()
    this.#turn?.abandon()
    this.#turn = null
  }

  #stopReading(): void {
    this.#reader?.abandon()
    this.#reader = null
    if (this.#consumer !== null) this.#left.push(this.#consumer)
    this.#consumer = null
  }

  #giveBackLeft(line: Line): void {
    const { keys, link } = this.#parts
    const left = this.#left
    this.#left = []
    for (const consumer of left) {
      line
        .ask((client) => client.spillwayLeave(keys.messages, GROUP, consumer, NOBODY))
        .catch((error: unknown) => link.report(error))
    }
  }
}
