// Publishing: every message is a request to the stream, and confirmed by its answer. Many are under way at once; none is waited for
// longer than the deadline, whatever becomes of the connection.

import type { OutgoingMessage, PublishVerdict } from '../../ports/index.js'
import { type Machine, UnderWay } from '../driver/index.js'
import { apiCode, notOpened, tooLarge, unavailable } from './failures.js'
import { encoded, headersOf } from './headers.js'
import type { Line, NatsLink } from './link.js'
import type { Names } from './names.js'

export interface PublisherParts {
  readonly link: NatsLink
  readonly names: Names
  readonly machine: Machine
  readonly timeoutMs: number
  readonly messageBytesMax: () => number
  readonly isOpened: (queue: string) => boolean
}

/** Messages sent and not confirmed at once. */
const REQUESTS_MAX = 512
const MESSAGE_TOO_LARGE = 10_054
const CONFIRMED: PublishVerdict = { status: 'confirmed' }

export class Publisher {
  readonly #parts: PublisherParts
  readonly #underWay = new UnderWay()
  readonly #requests = new Set<Promise<unknown>>()
  #sending: Promise<unknown> = Promise.resolve()

  constructor(parts: PublisherParts) {
    this.#parts = parts
  }

  publish(messages: readonly OutgoingMessage[]): Promise<readonly PublishVerdict[]> {
    return this.#underWay.add(this.#publish(messages))
  }

  /** Once every publish has its verdicts. */
  settled(): Promise<void> {
    return this.#underWay.settled()
  }

  async #publish(messages: readonly OutgoingMessage[]): Promise<readonly PublishVerdict[]> {
    const { machine, timeoutMs } = this.#parts
    const dueAtMs = machine.monotonic() + timeoutMs
    // One call sends all it has before the next begins: what was published first is there first.
    const sent = this.#sending.then(() => this.#send(messages, dueAtMs))
    this.#sending = sent.catch(() => {})
    return Promise.all(await sent)
  }

  async #send(
    messages: readonly OutgoingMessage[],
    dueAtMs: number,
  ): Promise<readonly Promise<PublishVerdict>[]> {
    const { link } = this.#parts
    const line = await link.lineBefore(dueAtMs)
    if (line === null) {
      const verdict = inDoubt(link.absence())
      return messages.map(() => Promise.resolve(verdict))
    }
    const verdicts: Promise<PublishVerdict>[] = []
    for (const message of messages) {
      while (this.#requests.size >= REQUESTS_MAX) await Promise.race(this.#requests)
      const verdict = this.#one(line, message, dueAtMs).finally(() => this.#requests.delete(verdict))
      this.#requests.add(verdict)
      verdicts.push(verdict)
    }
    return verdicts
  }

  async #one(line: Line, message: OutgoingMessage, dueAtMs: number): Promise<PublishVerdict> {
    const { link, names, machine, messageBytesMax, isOpened } = this.#parts
    const { id, queue, body } = message
    if (!isOpened(queue)) return { status: 'refused', error: notOpened(queue) }
    if (body.length > messageBytesMax())
      return { status: 'refused', error: tooLarge(body.length, messageBytesMax()) }
    const timeout = Math.ceil(dueAtMs - machine.monotonic())
    if (timeout <= 0 || link.line !== line) return inDoubt(unavailable('no answer in time'))
    try {
      await line.client.publish(names.subject(queue), body, {
        ...{ msgID: encoded(id), headers: headersOf(message), timeout, retries: 1 },
        expect: { streamName: names.messages },
      })
      return CONFIRMED
    } catch (error) {
      return this.#failed(line, message, error)
    }
  }

  #failed(line: Line, { body }: OutgoingMessage, error: unknown): PublishVerdict {
    const { link, messageBytesMax } = this.#parts
    if (apiCode(error) === MESSAGE_TOO_LARGE || isArgumentError(error))
      return { status: 'refused', error: tooLarge(body.length, messageBytesMax()) }
    // Nobody keeps the subject: the stream is gone, or not there yet.
    if (isUnanswered(error)) link.drop(line, error)
    return inDoubt(unavailable('the message was not confirmed', error))
  }
}

function isArgumentError(error: unknown): boolean {
  return error instanceof Error && error.name === 'InvalidArgumentError'
}

function isUnanswered(error: unknown): boolean {
  return error instanceof Error && error.name === 'JetStreamNotEnabled'
}

function inDoubt(error: ReturnType<typeof unavailable>): PublishVerdict {
  return { status: 'unknown', error }
}
