// A subscription across connections: it reads on each, and gives back on the next what the last one had in hand.

import type { Msg } from '@nats-io/transport-node'
import type { Cancel, SubscribeRequest, Subscription } from '../../ports/index.js'
import type { Machine } from '../driver/index.js'
import type { Held } from './held.js'
import type { Line, NatsLink } from './link.js'
import type { Names } from './names.js'
import type { NatsSettings } from './options.js'
import { Reader } from './reader.js'
import { Turn } from './turn.js'

export interface SubscriptionParts {
  readonly link: NatsLink
  readonly machine: Machine
  readonly settings: NatsSettings
  readonly names: Names
  readonly request: SubscribeRequest
  /** One process reads at a time. */
  readonly isOrdered: boolean
  readonly refuse: (line: Line, queue: string, message: Msg, reason: string) => Promise<void>
  readonly onClosed: (subscription: NatsSubscription) => void
}

export class NatsSubscription implements Subscription {
  readonly #parts: SubscriptionParts
  readonly #stopListening: Cancel
  #turn: Turn | null = null
  #reader: Reader | null = null
  #left: readonly Held[] = []
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
    const left = this.#left
    this.#left = []
    this.#start(line)
    // After the first request: a server of 2.9 must not find nobody who waits for what is given back.
    for (const held of left) held.giveBack(line.connection, 0)
  }

  #start(line: Line): void {
    if (!this.#parts.isOrdered) {
      this.#read(line)
      return
    }
    const { names, request } = this.#parts
    this.#turn = new Turn({
      ...this.#common(line),
      ...{ stream: names.turns, consumer: names.consumer(request.queue) },
      onTaken: () => this.#read(line),
      onLost: () => {
        this.#reader?.abandon()
        this.#reader = null
      },
    })
  }

  #read(line: Line): void {
    const { names, request, refuse, link } = this.#parts
    this.#reader = new Reader({
      ...this.#common(line),
      ...{ stream: names.messages, consumer: names.consumer(request.queue), request },
      mayRead: () => this.#turn?.isOurs() ?? true,
      refuse: (message, reason) => refuse(line, request.queue, message, reason),
      onFault: (error) => link.report(error),
    })
  }

  #common(line: Line) {
    const { machine, settings, link } = this.#parts
    return {
      ...{ line, machine, ackWaitMs: settings.ackWaitMs, inboxPrefix: settings.connection.inboxPrefix },
      onGone: (why: string) => link.drop(line, why),
    }
  }

  #abandon(): void {
    this.#left = [...(this.#reader?.abandon() ?? []), ...(this.#turn?.abandon() ?? [])]
    this.#reader = null
    this.#turn = null
  }
}
