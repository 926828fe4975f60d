// Asking the server for messages, never for more than there is room for. A request stands until it is answered or expires; what it may
// still bring is counted as taken. The server says when a request ends early, and forgets one without a word only when it goes down itself.

import { createInbox, type Msg, type NatsConnection, nanos, type Subscription } from '@nats-io/transport-node'
import { inTime, type Machine } from '../driver/index.js'

interface Request {
  remaining: number
  readonly endsAtMs: number
}

export interface PullsParts {
  readonly connection: NatsConnection
  readonly machine: Machine
  readonly stream: string
  readonly consumer: string
  readonly inboxPrefix: string | undefined
  /** A request stands no longer than a message stays with who says nothing: what a process asked for that stands still, others get. */
  readonly ackWaitMs: number
  readonly onMessage: (message: Msg) => void
  /** Room may be asked for again. */
  readonly onEnd: () => void
  /** The consumer is not there any more. */
  readonly onGone: (why: string) => void
}

const EXPIRES_MS_MAX = 10_000
/** A request that the server has forgotten is, after this, forgotten here. */
const GRACE_MS = 2_000

const ANSWER_MS_MAX = 1_000

const NO_RESPONDERS = 503
const CONFLICT = 409
const GONE = /deleted|push based/i

export class Pulls {
  readonly #parts: PullsParts
  readonly #inbox: string
  readonly #subscription: Subscription
  #requests: Request[] = []

  constructor(parts: PullsParts) {
    this.#parts = parts
    this.#inbox = createInbox(parts.inboxPrefix)
    this.#subscription = parts.connection.subscribe(this.#inbox, {
      callback: (error, message) => {
        if (error === null) this.#received(message)
        else parts.onGone(error.message)
      },
    })
  }

  /** Messages that were asked for and may still come. */
  get wanted(): number {
    const now = this.#parts.machine.monotonic()
    this.#requests = this.#requests.filter(({ remaining, endsAtMs }) => remaining > 0 && endsAtMs > now)
    return this.#requests.reduce((sum, { remaining }) => sum + remaining, 0)
  }

  ask(batch: number): void {
    const { connection, machine, stream, consumer, ackWaitMs } = this.#parts
    const expiresMs = Math.min(ackWaitMs, EXPIRES_MS_MAX)
    this.#requests.push({ remaining: batch, endsAtMs: machine.monotonic() + expiresMs + GRACE_MS })
    const request = JSON.stringify({ batch, expires: nanos(expiresMs) })
    connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, request, { reply: this.#inbox })
  }

  /**
   * Messages that are on their way still come; none once it resolves. Then the server is asked about the consumer, which makes it look
   * through the requests and drop those that nobody listens for: servers of 2.9 mistake what is given back next when only such wait.
   */
  async end(): Promise<void> {
    const { connection, machine, stream, consumer } = this.#parts
    if (!this.#subscription.isClosed()) {
      // The client answers a drain only if the server does.
      const drained = Promise.race([this.#subscription.drain(), connection.closed()])
      if (!(await inTime(machine, ANSWER_MS_MAX, drained))) return
    }
    if (connection.isClosed()) return
    await connection
      .request(`$JS.API.CONSUMER.INFO.${stream}.${consumer}`, '', { timeout: ANSWER_MS_MAX })
      .catch(() => {})
  }

  stop(): void {
    this.#subscription.unsubscribe()
  }

  #received(message: Msg): void {
    const { code = 0, description = '' } = message.headers ?? {}
    if (code === 0) {
      this.#take(1)
      this.#parts.onMessage(message)
      return
    }
    const isGone = code === NO_RESPONDERS || (code === CONFLICT && GONE.test(description))
    if (isGone) this.#parts.onGone(`${description} ${code}`)
    else this.#ended(Number(message.headers?.get('Nats-Pending-Messages') ?? ''))
  }

  /** A request ended with so many not brought; servers that do not say so mean the oldest. */
  #ended(left: number): void {
    this.#take(left > 0 ? left : (this.#requests[0]?.remaining ?? 0))
    this.#parts.onEnd()
  }

  #take(count: number): void {
    let left = count
    for (const request of this.#requests) {
      const taken = Math.min(left, request.remaining)
      request.remaining -= taken
      left -= taken
    }
    this.#requests = this.#requests.filter(({ remaining }) => remaining > 0)
  }
}
