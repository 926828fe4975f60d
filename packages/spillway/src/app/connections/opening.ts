// Opening something that may not be there yet: a broker, or a database that this process can do without for a while. Whoever starts it
// waits for the first try, and not for long; from then on it is tried again in the background until it works.

import { type Backoff, backoffMs, spreadMs } from '../../domain/index.js'
import {
  ERROR_CODES,
  type ErrorCode,
  isCertificateError,
  isSpillwayError,
  SpillwayError,
} from '../../errors/index.js'
import type { Clock, Random, Telemetry } from '../../ports/index.js'

/** How long a process waits at its start for what it can do without. */
const OPENING_PATIENCE_MS = 3_000
const RETRY_BACKOFF: Backoff = { type: 'exponential', delayMs: 250, maxMs: 15_000, jitter: 'none' }

export interface OpeningOptions {
  /** For messages: `rabbitmq`, `the postgres store`. */
  readonly what: string
  /** Of the error while it is not open. */
  readonly code: Extract<ErrorCode, 'broker_unavailable' | 'store_unavailable'>
  readonly open: () => Promise<void>
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
}

export class Opening {
  readonly #options: OpeningOptions
  readonly #stopping = new AbortController()
  #running: Promise<void> | null = null
  #firstTry: Promise<void> | null = null
  #isOpen = false
  #fault: SpillwayError | null = null

  constructor(options: OpeningOptions) {
    this.#options = options
  }

  /** Why it cannot be used now; null once it is open. */
  get fault(): SpillwayError | null {
    return this.#isOpen ? null : (this.#fault ?? this.#unavailable())
  }

  get isStarted(): boolean {
    return this.#running !== null
  }

  /** Resolves after the first try, or when that takes long. */
  async start(): Promise<void> {
    if (this.#running === null) {
      this.#firstTry = new Promise((resolve) => {
        this.#running = this.#run(resolve)
      })
    }
    const patience = new AbortController()
    const { clock } = this.#options
    await Promise.race([this.#firstTry, clock.sleep(OPENING_PATIENCE_MS, patience.signal)])
    patience.abort()
  }

  /** Gives up, once the try that is under way has ended or `graceMs` have passed. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort()
    if (this.#running === null) return
    const grace = new AbortController()
    await Promise.race([this.#running, this.#options.clock.sleep(graceMs, grace.signal)])
    grace.abort()
  }

  async #run(tried: () => void): Promise<void> {
    const { clock, random, telemetry, what } = this.#options
    const { signal } = this.#stopping
    for (let failures = 0; !signal.aborted; ) {
      const isOpen = await this.#try()
      tried()
      if (isOpen) break
      failures += 1
      const pauseMs = backoffMs(RETRY_BACKOFF, failures, 0)
      await clock.sleep(Math.round(spreadMs(pauseMs, random())), signal)
    }
    if (signal.aborted || !this.#isOpen) return
    if (this.#fault !== null) telemetry.record({ event: 'lifecycle', what: `${what} is open now` })
  }

  async #try(): Promise<boolean> {
    const { open, telemetry, what } = this.#options
    try {
      await open()
      this.#isOpen = true
    } catch (error) {
      this.#fault = saysWhatToDo(error) ? error : this.#unavailable(error)
      telemetry.record({ event: 'fault', where: `opening ${what}`, error })
    }
    return this.#isOpen
  }

  #unavailable(cause?: unknown): SpillwayError {
    const { what, code } = this.#options
    return new SpillwayError(code, `${what} cannot be reached at present.`, { cause })
  }
}

function saysWhatToDo(error: unknown): error is SpillwayError {
  return isLasting(error) || (isSpillwayError(error) && isCertificateError(error))
}

/** What trying again does not mend by itself. */
export function isLasting(error: unknown): error is SpillwayError {
  return isSpillwayError(error) && ERROR_CODES[error.code].category !== 'unavailable'
}
