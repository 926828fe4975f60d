// Publishes with confirms: messages go out in order, so many at a time, and each gets its verdict by its own deadline. A confirm that
// does not come is a doubt, never a wait: the server may be gone without a word.

import type { ChannelModel, ConfirmChannel, Message } from 'amqplib'
import type { Cancel, OutgoingMessage, PublishVerdict } from '../../ports/index.js'
import type { LinkListener, Machine } from '../driver/index.js'
import { badProperties, closed, notOpened, tooLarge, unavailable } from './failures.js'
import type { RabbitMqLink } from './link.js'
import type { Names } from './names.js'
import { Outgoing, Outgoings } from './outgoing.js'
import { publishOptions } from './properties.js'

export interface PublisherParts {
  readonly link: RabbitMqLink
  readonly machine: Machine
  readonly names: Names
  readonly timeoutMs: number
  readonly messageBytesMax: number
  readonly isOpened: (queue: string) => boolean
  /** The server has no queue of that name any more. */
  readonly onMissing: () => void
}

/** What is sent and not confirmed. */
const UNCONFIRMED_MAX = 1_000
const UNCONFIRMED_BYTES_MAX = 32 * 1024 * 1024
/** What waits for its turn; callers hold their messages meanwhile. */
const WAITING_MAX = 100_000
const CONFIRMED: PublishVerdict = { status: 'confirmed' }

export class Publisher implements LinkListener<ChannelModel> {
  readonly #parts: PublisherParts
  readonly #outgoing = new Outgoings()
  #channel: ConfirmChannel | null = null
  #isBlocked = false
  #lastConfirmAtMs = 0
  #cancelDue: Cancel | null = null
  #isClosing = false

  constructor(parts: PublisherParts) {
    this.#parts = parts
    parts.link.listen(this)
  }

  /** The server is short of memory or disk, and takes nothing. */
  get isBlocked(): boolean {
    return this.#isBlocked
  }

  publish(messages: readonly OutgoingMessage[]): Promise<readonly PublishVerdict[]> {
    const verdicts = messages.map((message) => this.#verdictOf(message))
    this.#pump()
    return Promise.all(verdicts)
  }

  /** A message that is not for one of the queues. Its name and options are the server's. */
  publishTo(message: Pick<Outgoing, 'queue' | 'id' | 'body' | 'options'>): Promise<PublishVerdict> {
    const verdict = this.#enqueue(message)
    this.#pump()
    return verdict
  }

  begin(model: ChannelModel): void {
    this.#lastConfirmAtMs = this.#parts.machine.monotonic()
    model.on('blocked', (reason: string) => this.#blocked(reason))
    model.on('unblocked', () => {
      this.#isBlocked = false
      this.#pump()
    })
    this.#openChannel(model).catch((error: unknown) => this.#parts.link.drop(model, error))
  }

  /** Whatever was sent is in doubt; what was not waits for the next connection. */
  end(): void {
    this.#channel = null
    this.#isBlocked = false
    this.#doubtSent('the connection was lost before the confirm came')
    if (this.#isClosing) this.#doubtWaiting('the broker is closed while there is no connection')
  }

  /** Resolves when everything has its verdict. What waits for a connection that cannot be had gets it at once. */
  async close(): Promise<void> {
    this.#isClosing = true
    if (this.#parts.link.isAway) this.#doubtWaiting('the broker is closed while there is no connection')
    await this.#outgoing.settled()
  }

  #verdictOf(message: OutgoingMessage): Promise<PublishVerdict> | PublishVerdict {
    const { isOpened, messageBytesMax, names } = this.#parts
    const { queue, id, body } = message
    if (!isOpened(queue)) return { status: 'refused', error: notOpened(queue) }
    if (body.length > messageBytesMax)
      return { status: 'refused', error: tooLarge(body.length, messageBytesMax) }
    return this.#enqueue({ queue: names.queue(queue), id, body, options: publishOptions(message) })
  }

  #enqueue(message: Pick<Outgoing, 'queue' | 'id' | 'body' | 'options'>): Promise<PublishVerdict> {
    const { machine, timeoutMs, link } = this.#parts
    if (this.#isClosing || link.isClosed) return Promise.resolve({ status: 'unknown', error: closed() })
    if (this.#outgoing.waiting >= WAITING_MAX)
      return Promise.resolve({ status: 'unknown', error: unavailable('too many publishes wait') })
    const { promise, resolve } = withResolvers<PublishVerdict>()
    this.#outgoing.add(new Outgoing(message, machine.monotonic() + timeoutMs, resolve))
    this.#watch()
    return promise
  }

  async #openChannel(model: ChannelModel): Promise<void> {
    const { link } = this.#parts
    const channel = await model.createConfirmChannel()
    channel.on('error', (error) => link.drop(model, error))
    channel.on('return', (message) => this.#returned(message))
    if (link.line !== model) return
    this.#channel = channel
    this.#pump()
  }

  #pump(): void {
    const outgoing = this.#outgoing
    while (this.#channel !== null && !this.#isBlocked && hasRoom(outgoing)) {
      const next = outgoing.send()
      if (next === null) return
      this.#send(this.#channel, next)
    }
  }

  #send(channel: ConfirmChannel, message: Outgoing): void {
    const { queue, body, options } = message
    try {
      const content = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
      channel.publish('', queue, content, options, (error: unknown) => this.#answered(message, error ?? null))
    } catch (error) {
      // Nothing was written: either it cannot be, or there is no channel any more.
      this.#settle(
        message,
        error instanceof RangeError || error instanceof TypeError
          ? { status: 'refused', error: badProperties(error) }
          : { status: 'unknown', error: unavailable('the connection was lost', error) },
      )
    }
  }

  #answered(message: Outgoing, error: unknown): void {
    this.#lastConfirmAtMs = this.#parts.machine.monotonic()
    if (message.isReturned) {
      this.#settle(message, doubt('its queue was removed from the server, and is declared again'))
    } else {
      this.#settle(message, error === null ? CONFIRMED : doubt('the server could not keep it now', error))
    }
    this.#pump()
  }

  /** Comes before the confirm. Several copies of one message cannot be told apart: all of them are in doubt. */
  #returned({ fields, properties }: Message): void {
    for (const message of this.#outgoing.sent) {
      if (message.id === properties.messageId && message.queue === fields.routingKey)
        message.isReturned = true
    }
    this.#parts.onMissing()
  }

  #blocked(reason: string): void {
    this.#isBlocked = true
    this.#parts.link.report(unavailable(`the server takes nothing at the moment: ${reason}`))
  }

  #settle(message: Outgoing, verdict: PublishVerdict): void {
    this.#outgoing.settle(message, verdict)
  }

  #doubtSent(why: string): void {
    for (const message of [...this.#outgoing.sent]) this.#settle(message, doubt(why))
  }

  #doubtWaiting(why: string): void {
    for (const message of this.#outgoing.takeWaiting()) this.#settle(message, doubt(why))
  }

  /** One timer for all: whoever came first is due first. */
  #watch(): void {
    const oldest = this.#outgoing.oldest
    if (this.#cancelDue !== null || oldest === null) return
    const { machine } = this.#parts
    this.#cancelDue = machine.schedule(Math.max(0, oldest.dueAtMs - machine.monotonic()), () => {
      this.#cancelDue = null
      this.#expire()
      this.#watch()
    })
  }

  #expire(): void {
    const { machine, link, timeoutMs } = this.#parts
    const now = machine.monotonic()
    const overdue = this.#outgoing.overdue(now)
    const wasSent = overdue.some((message) => this.#outgoing.sent.has(message))
    const late = `no confirm came within ${timeoutMs} ms`
    const verdict: PublishVerdict = link.isAway ? { status: 'unknown', error: link.absence() } : doubt(late)
    for (const message of overdue) this.#settle(message, verdict)
    // Nobody has confirmed anything for so long: what is sent on this connection goes nowhere, and would pile up. A server that is full
    // has said so, and is sent nothing.
    const isSilent = !this.#isBlocked && now - this.#lastConfirmAtMs >= timeoutMs
    if (wasSent && isSilent && link.line !== null) link.drop(link.line, 'no confirm came in time')
  }
}

function hasRoom({ sent, sentBytes }: Outgoings): boolean {
  return sent.size < UNCONFIRMED_MAX && sentBytes < UNCONFIRMED_BYTES_MAX
}

function doubt(what: string, cause?: unknown): PublishVerdict {
  return { status: 'unknown', error: unavailable(what, cause) }
}

function withResolvers<Value>(): { promise: Promise<Value>; resolve: (value: Value) => void } {
  let resolve: (value: Value) => void = () => {}
  const promise = new Promise<Value>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
