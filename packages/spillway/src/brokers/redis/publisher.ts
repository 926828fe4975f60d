// Publishing: the messages of one call go to the server in one go, each is answered by itself, and none is waited for longer than the
// deadline. A message that is sent twice is there twice; who consumes it knows its id.

import type { ChainableCommander } from 'ioredis'
import type { OutgoingMessage, PublishVerdict } from '../../ports/index.js'
import { type Machine, UnderWay } from '../driver/index.js'
import { fieldsOf } from './entry.js'
import { closed, notOpened, replyCode, tooLarge, unavailable } from './failures.js'
import type { Line, RedisLink } from './link.js'
import type { QueueKeys } from './names.js'
import type { RedisSettings } from './options.js'

export interface PublisherParts {
  readonly link: RedisLink
  readonly machine: Machine
  readonly settings: RedisSettings
  readonly messageBytesMax: () => number
  /** Null for a queue it was not opened with. */
  readonly keysOf: (queue: string) => QueueKeys | null
}

interface Sent {
  readonly at: number
  readonly key: string
  readonly message: OutgoingMessage
}

type Replies = Awaited<ReturnType<ChainableCommander['exec']>>

const CONFIRMED: PublishVerdict = { status: 'confirmed' }

export class Publisher {
  readonly #parts: PublisherParts
  readonly #underWay = new UnderWay()

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
    const { link, machine, settings } = this.#parts
    const verdicts: PublishVerdict[] = []
    const sent: Sent[] = []
    for (const [at, message] of messages.entries()) {
      const refusal = this.#refusal(message)
      if (refusal === null) sent.push({ at, message, key: this.#parts.keysOf(message.queue)?.messages ?? '' })
      else verdicts[at] = refusal
    }
    if (sent.length === 0) return verdicts
    const dueAtMs = machine.monotonic() + settings.publishTimeoutMs
    const line = await link.lineBefore(dueAtMs)
    const answers =
      line === null
        ? sent.map(() => inDoubt(link.absence()))
        : await this.#send(line, sent, dueAtMs - machine.monotonic())
    for (const [n, { at }] of sent.entries()) verdicts[at] = answers[n] as PublishVerdict
    return verdicts
  }

  #refusal({ queue, body }: OutgoingMessage): PublishVerdict | null {
    const { keysOf, messageBytesMax } = this.#parts
    if (this.#parts.link.isClosed) return inDoubt(closed())
    if (keysOf(queue) === null) return { status: 'refused', error: notOpened(queue) }
    if (body.length <= messageBytesMax()) return null
    return { status: 'refused', error: tooLarge(body.length, messageBytesMax()) }
  }

  async #send(line: Line, sent: readonly Sent[], withinMs: number): Promise<readonly PublishVerdict[]> {
    const { replicas, isSynced } = this.#parts.settings
    // The server has to answer before we stop waiting for it.
    const waitMs = Math.max(1, Math.floor(withinMs * WAIT_SHARE))
    try {
      const replies = await line.ask(
        async (client) => {
          const pipeline = client.pipeline()
          for (const { key, message } of sent) pipeline.xadd(key, '*', ...fieldsOf(message))
          if (isSynced) pipeline.call('WAITAOF', 1, replicas, waitMs)
          else if (replicas > 0) pipeline.wait(replicas, waitMs)
          return pipeline.exec()
        },
        Math.max(1, withinMs),
      )
      return this.#verdicts(line, sent, replies)
    } catch (error) {
      return sent.map(() => inDoubt(unavailable('the message was not confirmed', error)))
    }
  }

  #verdicts(line: Line, sent: readonly Sent[], replies: Replies): readonly PublishVerdict[] {
    const { link, settings } = this.#parts
    const doubt = safetyDoubt(replies?.[sent.length], settings)
    return sent.map((_, at) => {
      const [error] = replies?.[at] ?? [new Error('no answer')]
      if (error === null) return doubt ?? CONFIRMED
      // Not the primary any more: the next connection finds it.
      if (replyCode(error) === 'READONLY') link.drop(line, error)
      return inDoubt(unavailable('the message was not confirmed', error))
    })
  }
}

/** Of the time there is: what the server waits for its replicas, and its disk. */
const WAIT_SHARE = 0.8

/** Why the messages may not be as safe as they have to be, or null. The reply to WAIT is a number of replicas, to WAITAOF of disks before that. */
function safetyDoubt(
  reply: readonly [error: Error | null, result: unknown] | undefined,
  { replicas, isSynced }: RedisSettings,
): PublishVerdict | null {
  if (replicas === 0 && !isSynced) return null
  const [error, result] = reply ?? [new Error('no answer'), null]
  if (error !== null) return inDoubt(unavailable('the server could not wait for replicas or its disk', error))
  const [disks, copies] = Array.isArray(result) ? [Number(result[0]), Number(result[1])] : [1, Number(result)]
  if (disks >= 1 && copies >= replicas) return null
  return inDoubt(unavailable(`${copies} of ${replicas} replicas had the message in time`))
}

function inDoubt(error: ReturnType<typeof unavailable>): PublishVerdict {
  return { status: 'unknown', error }
}
