// Time that moves only when a test says so. Callbacks run one at a time, in the order (time, insertion), and after each one
// all promise jobs it started are run to the end before anything else happens: the same calls give the same trace, always.
// That holds for code whose only waiting is promises and this clock. Real I/O goes through `outside`: time stands still until it
// has answered. I/O that goes past it comes back at any time, and the trace with it.

import type { Cancel, Clock } from '../ports/index.js'
import { type Back, OutsideWork } from './outside-work.js'
import { TimerQueue } from './timer-queue.js'
import { Turns } from './turns.js'

/** 2026-01-01T00:00:00Z: a time that looks like one in an id or a listing. */
const START_AT = 1_767_225_600_000
/** How far runUntilIdle goes by itself; something that polls forever never gets idle. */
const IDLE_HORIZON_MS = 60_000
/** Callbacks within one instant. More means that the code under test defers in circles. */
const CALLBACKS_PER_INSTANT_MAX = 1_000_000
/** How long an instant waits for what is outside, on the machine's clock. */
const OUTSIDE_MS = 20_000

export interface VirtualClockOptions {
  /** ms since the epoch. */
  readonly startAt?: number
  /** How long an instant waits for work outside before `advance` rejects, in ms of the machine's clock. Default 20,000. */
  readonly outsideMs?: number
}

export class VirtualClock implements Clock {
  readonly #startAt: number
  readonly #timers = new TimerQueue()
  readonly #turns = new Turns()
  readonly #outside: OutsideWork
  #now: number
  #deferred: (() => void)[] = []
  #moving = false

  constructor(options: VirtualClockOptions = {}) {
    this.#startAt = options.startAt ?? START_AT
    this.#now = this.#startAt
    this.#outside = new OutsideWork(options.outsideMs ?? OUTSIDE_MS)
  }

  now(): number {
    return this.#now
  }

  monotonic(): number {
    return this.#now - this.#startAt
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve()
    return new Promise((resolve) => {
      const wake = (): void => {
        signal?.removeEventListener('abort', wake)
        cancel()
        resolve()
      }
      const cancel = this.schedule(ms, wake)
      signal?.addEventListener('abort', wake)
    })
  }

  schedule(ms: number, run: () => void): Cancel {
    const timer = this.#timers.add(this.#now + Math.max(0, ms), run)
    return () => this.#timers.cancel(timer)
  }

  defer(run: () => void): void {
    this.#deferred.push(run)
  }

  /** Real work, begun within virtual time: the instant is not over before the promise is. `what` is for the error when it never is. */
  outside<T>(work: Promise<T>, what: string): Promise<T> {
    return work.finally(this.leave(what))
  }

  /** The same for work that is no promise: time stands still until the returned function is called. */
  leave(what: string): Back {
    return this.#outside.leave(what)
  }

  /** Timers and deferred calls that have not run yet. */
  get pending(): number {
    return this.#timers.size + this.#deferred.length
  }

  /** When the next timer fires, in ms since the epoch; null when none is set. */
  nextTimerAt(): number | null {
    return this.#timers.nextAt()
  }

  /** Runs everything that is due within the next `ms` and leaves the clock there. `advance(0)` runs what is due now. */
  advance(ms: number): Promise<void> {
    return this.#move(this.#now + ms, true)
  }

  /**
   * Runs until neither a timer nor a deferred call is left and leaves the clock at the last one. Returns false, with the clock
   * at the horizon, when something is still scheduled after it.
   */
  async runUntilIdle(horizonMs: number = IDLE_HORIZON_MS): Promise<boolean> {
    const until = this.#now + horizonMs
    await this.#move(until, false)
    if (this.pending === 0) return true
    this.#now = until
    return false
  }

  async #move(until: number, toTheEnd: boolean): Promise<void> {
    if (this.#moving)
      throw new Error('VirtualClock is already moving: await advance() before calling it again')
    this.#moving = true
    try {
      await this.#settleInstant()
      for (let at = this.#timers.nextAt(); at !== null && at <= until; at = this.#timers.nextAt()) {
        this.#now = Math.max(this.#now, at)
        this.#timers.takeNext()?.()
        await this.#settleInstant()
      }
      if (toTheEnd) this.#now = until
    } finally {
      this.#moving = false
    }
  }

  /** Promise jobs, then deferred calls in rounds as setImmediate has them, with all promise jobs after each. */
  async #settleInstant(): Promise<void> {
    await this.#promiseJobs()
    let calls = 0
    while (this.#deferred.length > 0) {
      const round = this.#deferred
      this.#deferred = []
      for (const run of round) {
        calls += 1
        if (calls > CALLBACKS_PER_INSTANT_MAX)
          throw new Error('VirtualClock stands still: deferred calls keep deferring')
        run()
        await this.#promiseJobs()
      }
    }
  }

  /** All of them, however long their chains are: only then does the event loop take its next turn. Those of answers from outside too. */
  async #promiseJobs(): Promise<void> {
    await this.#turns.next()
    while (!this.#outside.isEmpty) {
      await this.#outside.return()
      await this.#turns.next()
    }
  }
}
