// A message in this process's hands, as the server counts it: it goes to somebody else unless it is ended or prolonged in time. An
// acknowledgement that comes later than that would count for whoever has it by then (nats-server#4786), so it is never sent.

import type { Msg, NatsConnection } from '@nats-io/transport-node'
import { nanos } from '@nats-io/transport-node'

const TEXT = new TextEncoder()
const ACK = TEXT.encode('+ACK')
const NAK = TEXT.encode('-NAK')
const TERM = TEXT.encode('+TERM')
const PROGRESS = TEXT.encode('+WPI')

import type { Machine } from '../driver/index.js'

/** The part of its time after which a message is as good as lost: what is sent then might arrive too late. */
const SAFE_SHARE = 0.8

/** How long whoever gives a message back waits for the server to say that it took it. */
const ANSWER_MS_MAX = 1_000

export interface HeldParts {
  readonly machine: Machine
  readonly ackWaitMs: number
}

export class Held {
  readonly message: Msg
  readonly #reply: string
  readonly #parts: HeldParts
  #dueAtMs: number

  constructor(message: Msg, parts: HeldParts) {
    this.message = message
    this.#reply = message.reply ?? ''
    this.#parts = parts
    this.#dueAtMs = this.#fromNow()
  }

  /** Nobody else has it. */
  get isOurs(): boolean {
    return this.#parts.machine.monotonic() < this.#dueAtMs
  }

  /** Times that it was delivered, this one included. */
  get deliveries(): number {
    const tokens = this.#reply.split('.')
    return Number(tokens[tokens.length > SHORT_REPLY_TOKENS ? LONG_REPLY_AT : SHORT_REPLY_AT])
  }

  /** False when it was too late. */
  prolong(connection: NatsConnection): boolean {
    if (!this.#say(connection, PROGRESS)) return false
    this.#dueAtMs = this.#fromNow()
    return true
  }

  ack(connection: NatsConnection): void {
    this.#say(connection, ACK)
  }

  term(connection: NatsConnection): void {
    this.#say(connection, TERM)
  }

  /** To be delivered again after this long. */
  giveBack(connection: NatsConnection, delayMs: number): void {
    const delay = delayMs === 0 ? NAK : TEXT.encode(`-NAK ${JSON.stringify({ delay: nanos(delayMs) })}`)
    this.#say(connection, delay)
  }

  /** Resolves once the server has given it to others, or does not answer. */
  async givenBack(connection: NatsConnection): Promise<void> {
    if (!this.isOurs) return
    await connection.request(this.#reply, NAK, { timeout: ANSWER_MS_MAX }).catch(() => {})
  }

  #say(connection: NatsConnection, what: Uint8Array): boolean {
    if (!this.isOurs || connection.isClosed()) return false
    connection.publish(this.#reply, what)
    return true
  }

  #fromNow(): number {
    return this.#parts.machine.monotonic() + this.#parts.ackWaitMs * SAFE_SHARE
  }
}

// $JS.ACK.<stream>.<consumer>.<deliveries>... or, of later servers, $JS.ACK.<domain>.<account>.<stream>.<consumer>.<deliveries>...
const SHORT_REPLY_TOKENS = 9
const SHORT_REPLY_AT = 4
const LONG_REPLY_AT = 6
