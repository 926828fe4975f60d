// Reads one queue over one connection: asks for as many messages as there is credit for, hands them out, and keeps those that are in hand
// from going to others. When the connection is lost nothing that it handed out can be ended any more.

import type { Msg } from '@nats-io/transport-node'
import type { Cancel, Delivery, SubscribeRequest } from '../../ports/index.js'
import type { Machine } from '../driver/index.js'
import { propertiesOf } from './headers.js'
import { Held } from './held.js'
import type { Line } from './link.js'
import { Pulls } from './pulls.js'

export interface ReaderParts {
  readonly line: Line
  readonly machine: Machine
  readonly ackWaitMs: number
  readonly stream: string
  readonly consumer: string
  readonly inboxPrefix: string | undefined
  readonly request: SubscribeRequest
  /** Keeps a message where refused ones are kept; rejects when it is not there. */
  readonly refuse: (message: Msg, reason: string) => Promise<void>
  /** False when somebody else may read by now. */
  readonly mayRead: () => boolean
  readonly onGone: (why: string) => void
  readonly onFault: (error: unknown) => void
}

/** Of the time a message stays in hand; two of them may go wrong. */
export const BEATS_PER_ACK_WAIT = 4

/** What was given back comes again after this long; what could not be refused, later. */
const RELEASE_MS = 50
const REFUSE_AGAIN_MS = 5_000

/** A new request is not made for less than this part of the credit, unless nothing else is asked for. */
const CREDIT_SHARE = 4

export class Reader {
  readonly #parts: ReaderParts
  readonly #pulls: Pulls
  /** In hand, and being refused. */
  readonly #held = new Set<Held>()
  readonly #refusing = new Map<Held, Promise<void>>()
  #state: 'open' | 'closing' | 'ended' = 'open'
  #cancelBeat: Cancel = () => {}

  constructor(parts: ReaderParts) {
    this.#parts = parts
    const { line, machine, stream, consumer, inboxPrefix, ackWaitMs, onGone } = parts
    this.#pulls = new Pulls({
      ...{ connection: line.connection, machine, stream, consumer, inboxPrefix, ackWaitMs },
      onMessage: (message) => this.#received(message),
      onEnd: () => this.#ask(),
      onGone: (why) => {
        if (this.#state === 'open') onGone(why)
      },
    })
    this.#ask()
    this.#beat()
  }

  /** Gives everything in hand to others. */
  async close(): Promise<void> {
    if (this.#state !== 'open') return
    this.#state = 'closing'
    await this.#pulls.end()
    await Promise.all(this.#refusing.values())
    this.#cancelBeat()
    const { connection } = this.#parts.line
    // One after the other: they are delivered again in the order in which they were given back.
    const given = [...this.#held].map((held) => held.givenBack(connection))
    this.#held.clear()
    this.#state = 'ended'
    await Promise.all(given)
  }

  /** The connection is lost, or somebody else reads. Answers what was in hand. */
  abandon(): readonly Held[] {
    this.#state = 'ended'
    this.#cancelBeat()
    this.#pulls.stop()
    const held = [...this.#held]
    this.#held.clear()
    return held
  }

  #ask(): void {
    if (this.#state !== 'open') return
    const { credit } = this.#parts.request
    const { wanted } = this.#pulls
    const room = credit - this.#held.size - wanted
    if (room >= (wanted === 0 ? 1 : Math.max(1, credit / CREDIT_SHARE))) this.#pulls.ask(room)
  }

  #received(message: Msg): void {
    const { machine, ackWaitMs, request, mayRead, onFault } = this.#parts
    const held = new Held(message, { machine, ackWaitMs })
    if (this.#state === 'ended' || !mayRead()) return
    this.#held.add(held)
    // What comes while it is being closed is given back with all that is in hand.
    if (this.#state === 'closing') return
    this.#ask()
    try {
      request.onDelivery(this.#deliveryOf(held))
    } catch (error) {
      this.#release(held)
      onFault(error)
    }
  }

  #deliveryOf(held: Held): Delivery {
    const { message } = held
    const { connection } = this.#parts.line
    return {
      ...propertiesOf(message),
      body: message.data,
      redelivered: held.deliveries > 1,
      ack: () => {
        if (this.#take(held)) held.ack(connection)
      },
      release: () => this.#release(held),
      refuse: (reason) => this.#refuse(held, reason),
    }
  }

  #release(held: Held): void {
    if (this.#take(held)) held.giveBack(this.#parts.line.connection, RELEASE_MS)
  }

  #refuse(held: Held, reason: string): void {
    if (!this.#held.has(held) || this.#refusing.has(held)) return
    const { refuse, line, onFault } = this.#parts
    const refusing = refuse(held.message, reason)
      .then(
        () => held.term(line.connection),
        (error: unknown) => {
          onFault(error)
          held.giveBack(line.connection, REFUSE_AGAIN_MS)
        },
      )
      .finally(() => {
        this.#refusing.delete(held)
        this.#held.delete(held)
        this.#ask()
      })
    this.#refusing.set(held, refusing)
  }

  /** Ends a message that is in hand, once. */
  #take(held: Held): boolean {
    if (this.#refusing.has(held) || !this.#held.delete(held)) return false
    queueMicrotask(() => this.#ask())
    return true
  }

  #beat(): void {
    const { machine, ackWaitMs, line } = this.#parts
    this.#cancelBeat = machine.schedule(ackWaitMs / BEATS_PER_ACK_WAIT, () => {
      for (const held of this.#held) {
        if (!held.prolong(line.connection) && !this.#refusing.has(held)) this.#held.delete(held)
      }
      this.#ask()
      this.#beat()
    })
  }
}
