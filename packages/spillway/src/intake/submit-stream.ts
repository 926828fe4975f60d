// A stream of any length in bounded memory: it is read no faster than the channel takes, with a bounded number of commands
// waiting for their answers.

import { SpillwayError } from '../errors/index.js'
import type { OfferVerdict, PreparedCommand } from '../ports/index.js'
import type { CommandLike, Lane, Reception, SubmitVerdict } from './reception.js'
import { submitVerdict } from './reception.js'
import { NO_OPTIONS } from './submit-options.js'

/** Commands of one stream that may wait for their answer, unless the caller says otherwise. */
const STREAM_IN_FLIGHT_MAX = 4_096
/** Errors kept in the report; `onVerdict` hears of all. */
const STREAM_ERRORS_MAX = 100
/** Commands after which everybody else gets a turn, however fast they are answered. */
const SLICE_COMMANDS = 1_000
/** How often a command is offered again that others pushed out between the channel's being ready and the offer. */
const OFFERS_MAX = 16

export interface StreamOptions {
  /** Stops reading; the stream then rejects with the signal's reason once what was offered is answered. */
  signal?: AbortSignal
  /** Called for every command with its place in the stream. */
  onVerdict?: (index: number, verdict: SubmitVerdict) => void
  /** Commands waiting for their answer at most. */
  concurrencyMax?: number
}

export interface StreamReport {
  readonly submitted: number
  readonly accepted: number
  readonly duplicates: number
  readonly rejected: number
  /** The first errors, with the place of their command in the stream. */
  readonly errors: readonly { readonly index: number; readonly error: SpillwayError }[]
}

export type PayloadSource = AsyncIterable<unknown> | Iterable<unknown>

export async function submitStream(
  reception: Reception,
  command: CommandLike,
  payloads: PayloadSource,
  options: StreamOptions,
): Promise<StreamReport> {
  const lane = reception.laneOf(command)
  const iterator = iteratorOf(payloads)
  return new StreamRun(reception, lane, options).run(iterator)
}

type PayloadIterator = AsyncIterator<unknown> | Iterator<unknown>

function iteratorOf(payloads: PayloadSource): PayloadIterator {
  const source = payloads as Partial<AsyncIterable<unknown> & Iterable<unknown>> | null | undefined
  const iterator = source?.[Symbol.asyncIterator]?.() ?? source?.[Symbol.iterator]?.()
  if (iterator === undefined || typeof payloads === 'string') {
    throw new SpillwayError(
      'invalid_argument',
      'payloads must be an iterable or async iterable of payloads.',
      { details: { option: 'payloads' } },
    )
  }
  return iterator
}

class StreamRun {
  readonly #reception: Reception
  readonly #lane: Lane
  readonly #options: StreamOptions
  readonly #inFlightMax: number
  readonly #errors: { index: number; error: SpillwayError }[] = []
  readonly #counts = { accepted: 0, duplicate: 0, rejected: 0 }
  #read = 0
  #inFlight = 0
  #callbackFailure: { readonly error: unknown } | null = null
  /** Called when an answer came. */
  #onAnswer: (() => void) | null = null

  constructor(reception: Reception, lane: Lane, options: StreamOptions) {
    const inFlightMax = options.concurrencyMax ?? STREAM_IN_FLIGHT_MAX
    if (!Number.isSafeInteger(inFlightMax) || inFlightMax < 1) {
      throw new SpillwayError('invalid_argument', 'concurrencyMax must be a whole number of at least 1.', {
        details: { option: 'concurrencyMax' },
      })
    }
    this.#reception = reception
    this.#lane = lane
    this.#options = options
    this.#inFlightMax = inFlightMax
  }

  async run(iterator: PayloadIterator): Promise<StreamReport> {
    let ended = false
    try {
      for (;;) {
        this.#throwIfStopped()
        const step = await this.#unlessAborted(iterator.next())
        if (step.done === true) break
        await this.#take(step.value)
      }
      ended = true
    } finally {
      // Not awaited: an async generator that hangs in a pending read answers return() only after that read.
      if (!ended) void Promise.resolve(iterator.return?.()).catch(() => {})
      await this.#answered(0)
    }
    this.#throwIfStopped()
    const { accepted, duplicate, rejected } = this.#counts
    return { submitted: this.#read, accepted, duplicates: duplicate, rejected, errors: this.#errors }
  }

  #throwIfStopped(): void {
    if (this.#callbackFailure !== null) throw this.#callbackFailure.error
    this.#options.signal?.throwIfAborted()
  }

  #unlessAborted<T>(waiting: T | Promise<T>): T | Promise<T> {
    const { signal } = this.#options
    if (signal === undefined || !(waiting instanceof Promise)) return waiting
    // A listener per wait and not one promise for all of them: racing a long-lived promise keeps the memory of every race.
    return new Promise((resolve, reject) => {
      const abort = (): void => reject(signal.reason)
      signal.addEventListener('abort', abort, { once: true })
      void waiting.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
    })
  }

  async #take(payload: unknown): Promise<void> {
    const index = this.#read
    this.#read += 1
    if (this.#read % SLICE_COMMANDS === 0)
      await new Promise<void>((resolve) => this.#reception.clock.defer(resolve))
    if (this.#inFlight >= this.#inFlightMax) await this.#answered(this.#inFlightMax - 1)
    const prepared = this.#reception.prepare(this.#lane, payload, () => NO_OPTIONS)
    const command = prepared instanceof Promise ? await prepared : prepared
    if (command instanceof SpillwayError) this.#refuse(index, command)
    else await this.#offer(index, command)
  }

  #refuse(index: number, error: SpillwayError): void {
    this.#inFlight += 1
    const { clock } = this.#reception
    this.#reception.offer(this.#lane, error, clock.monotonic(), (verdict) => this.#answer(index, verdict))
  }

  /** Offers when the channel is ready, and again when others filled it at that very moment. */
  async #offer(index: number, command: PreparedCommand): Promise<void> {
    for (let offers = 1; ; offers += 1) {
      await this.#unlessAborted(this.#lane.channel.ready())
      if (this.#offerOnce(index, command, offers === OFFERS_MAX)) return
    }
  }

  /** False when there was no room and this is not the last try; then it counts as not offered. */
  #offerOnce(index: number, command: PreparedCommand, isLast: boolean): boolean {
    const startedAt = this.#reception.clock.monotonic()
    let offering = true
    let pushedOut = false
    this.#inFlight += 1
    this.#lane.channel.offer(command, (verdict) => {
      pushedOut = offering && !isLast && isQueueFull(verdict)
      if (pushedOut) {
        this.#inFlight -= 1
        return
      }
      this.#reception.count(this.#lane, verdict.status, startedAt)
      this.#answer(index, verdict)
    })
    offering = false
    return !pushedOut
  }

  #answer(index: number, verdict: OfferVerdict): void {
    this.#inFlight -= 1
    this.#counts[verdict.status] += 1
    if (verdict.status === 'rejected' && this.#errors.length < STREAM_ERRORS_MAX)
      this.#errors.push({ index, error: verdict.error })
    this.#tell(index, verdict)
    this.#onAnswer?.()
  }

  #tell(index: number, verdict: OfferVerdict): void {
    const { onVerdict } = this.#options
    if (onVerdict === undefined || this.#callbackFailure !== null) return
    try {
      onVerdict(index, submitVerdict(this.#lane, verdict))
    } catch (error) {
      // It is called from within a flush that holds the commands of others; the stream fails with it at its own next step.
      this.#callbackFailure = { error }
    }
  }

  /** Resolves when at most `inFlight` commands wait for their answer. */
  #answered(inFlight: number): Promise<void> {
    if (this.#inFlight <= inFlight) return Promise.resolve()
    return new Promise((resolve) => {
      this.#onAnswer = () => {
        if (this.#inFlight > inFlight) return
        this.#onAnswer = null
        resolve()
      }
    })
  }
}

function isQueueFull(verdict: OfferVerdict): boolean {
  return verdict.status === 'rejected' && verdict.error.code === 'queue_full'
}
