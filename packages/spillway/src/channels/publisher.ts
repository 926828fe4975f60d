// Publishing until the broker has said of every message that it has it. A message of which that is not known is sent again with the same id,
// less and less often, for a limited time; what is not confirmed by then may be there or not. Messages of one partition are
// never sent side by side, because one that has to be sent again would arrive after those that followed it.

import { type Backoff, backoffMs } from '../domain/index.js'
import { isSpillwayError, SpillwayError } from '../errors/index.js'
import type { Broker, Clock, OutgoingMessage, PublishVerdict } from '../ports/index.js'

/** How long a message is sent again that was not confirmed. */
export const PUBLISH_DEADLINE_MS = 10_000
const RESEND_BACKOFF: Backoff = { type: 'exponential', delayMs: 50, maxMs: 1_000, jitter: 'none' }

export interface PublisherOptions {
  readonly broker: Pick<Broker, 'name' | 'publish'>
  readonly clock: Pick<Clock, 'monotonic' | 'sleep'>
}

/** One per message: null = confirmed. */
type Outcomes = (SpillwayError | null)[]

export class Publisher {
  readonly #options: PublisherOptions
  /** Since when the broker confirms nothing, by the monotonic clock; null = it does. */
  #silentSince: number | null = null
  #underway = 0

  constructor(options: PublisherOptions) {
    this.#options = options
  }

  /** Never rejects. */
  async publish(messages: readonly OutgoingMessage[]): Promise<Outcomes> {
    const outcomes: Outcomes = new Array(messages.length).fill(null)
    const refusal = this.#refusal()
    if (refusal !== null) return outcomes.fill(refusal)
    const until = this.#until()
    this.#underway += 1
    try {
      for (const wave of wavesOf(messages)) await this.#publishWave(messages, wave, until, outcomes)
    } finally {
      this.#underway -= 1
    }
    return outcomes
  }

  /** While the broker has been silent for long, one call finds out whether it is back, and the others need not wait for that. */
  #refusal(): SpillwayError | null {
    return this.#underway > 0 && this.#until() <= this.#now() ? this.#unsent() : null
  }

  /** Until when a call that begins now sends again. */
  #until(): number {
    return (this.#silentSince ?? this.#now()) + PUBLISH_DEADLINE_MS
  }

  #now(): number {
    return this.#options.clock.monotonic()
  }

  async #publishWave(
    messages: readonly OutgoingMessage[],
    wave: readonly number[],
    until: number,
    outcomes: Outcomes,
  ): Promise<void> {
    let open = wave
    for (let sends = 1; open.length > 0; sends += 1) {
      open = await this.#send(messages, open, outcomes)
      const pauseMs = backoffMs(RESEND_BACKOFF, sends, 0)
      if (open.length === 0 || this.#now() + pauseMs >= until) return
      await this.#options.clock.sleep(pauseMs)
    }
  }

  /** The indexes of messages to be sent again; their outcome says so meanwhile. */
  async #send(
    messages: readonly OutgoingMessage[],
    indexes: readonly number[],
    outcomes: Outcomes,
  ): Promise<readonly number[]> {
    const verdicts = await this.#verdicts(indexes.map((index) => messages[index] as OutgoingMessage))
    const open: number[] = []
    for (const [at, index] of indexes.entries()) {
      const verdict = verdicts[at] ?? unanswered(this.#options.broker.name)
      // That a message is refused when it is sent again says nothing about the first time.
      const isFirst = outcomes[index] === null
      if (verdict.status === 'confirmed') outcomes[index] = null
      else
        outcomes[index] =
          isFirst && verdict.status === 'refused' ? verdict.error : this.#unconfirmed(verdict.error)
      if (verdict.status === 'unknown') open.push(index)
    }
    if (verdicts.some(({ status }) => status === 'confirmed')) this.#silentSince = null
    else if (open.length > 0) this.#silentSince ??= this.#now()
    return open
  }

  async #verdicts(messages: readonly OutgoingMessage[]): Promise<readonly PublishVerdict[]> {
    try {
      return await this.#options.broker.publish(messages)
    } catch (error) {
      // A broker that is not there yet took nothing.
      const status = isSpillwayError(error) ? 'refused' : 'unknown'
      return messages.map(() => ({ status, error: error as SpillwayError }))
    }
  }

  #unsent(): SpillwayError {
    const { name } = this.#options.broker
    return new SpillwayError('broker_unavailable', `${name} confirms nothing at present; try again later.`, {
      details: { broker: name },
    })
  }

  #unconfirmed(cause: unknown): SpillwayError {
    const { name } = this.#options.broker
    return new SpillwayError(
      'broker_unavailable',
      `${name} did not confirm that it has the command; submit it again with an idempotency key, which makes the repeat harmless.`,
      { details: { broker: name, outcome: 'unknown' }, cause },
    )
  }
}

/** Indexes of messages that may be sent side by side: of each partition one. */
function wavesOf(messages: readonly OutgoingMessage[]): readonly (readonly number[])[] {
  const waves: number[][] = []
  const sent = new Map<number, number>()
  for (const [index, { partition }] of messages.entries()) {
    const wave = partition === null ? 0 : (sent.get(partition) ?? 0)
    if (partition !== null) sent.set(partition, wave + 1)
    const indexes = waves[wave] ?? []
    if (indexes.length === 0) waves[wave] = indexes
    indexes.push(index)
  }
  return waves
}

function unanswered(broker: string): PublishVerdict {
  const error = new SpillwayError('internal', `${broker} did not answer every message.`)
  return { status: 'unknown', error }
}
