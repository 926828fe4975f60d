// Something to be done again and again: at once while it finds work, at intervals when it found none, and less and less often
// while it fails.

import { type Backoff, backoffMs, spreadMs } from '../domain/index.js'
import type { Clock, Random, Telemetry } from '../ports/index.js'

const FAILURE_BACKOFF: Backoff = { type: 'exponential', delayMs: 200, maxMs: 30_000, jitter: 'none' }

export interface RecurringTaskOptions {
  /** Where a fault is said to have happened. */
  readonly name: string
  readonly everyMs: number
  /** The pause after it found work and then no more: where some was, more may follow soon. Default `everyMs`. */
  readonly afterWorkMs?: number
  /** The longest pause while it fails. Default 30 s. */
  readonly failurePauseMsMax?: number
  /** One short step; whether there may be more to do right now. */
  readonly step: () => Promise<boolean>
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
}

export class RecurringTask {
  readonly #options: RecurringTaskOptions
  readonly #stopping = new AbortController()
  #running: Promise<void> | null = null
  #endWait: (() => void) | null = null
  #hurried = false

  constructor(options: RecurringTaskOptions) {
    this.#options = options
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Takes the next step without waiting for its time. */
  hurry(): void {
    this.#hurried = true
    this.#endWait?.()
  }

  /** Resolves when the step that is going on has ended. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    const { everyMs, afterWorkMs = everyMs } = this.#options
    let foundSome = false
    for (let failures = 0; !signal.aborted; ) {
      this.#hurried = false
      const more = await this.#tryStep()
      failures = more === null ? failures + 1 : 0
      if (more === true) await this.#turnOfOthers()
      else if (more === null) await this.#wait(this.#backoffMs(failures))
      else await this.#wait(foundSome ? afterWorkMs : everyMs)
      foundSome = more === true
    }
  }

  /** Null when it failed. */
  async #tryStep(): Promise<boolean | null> {
    const { step, telemetry, name } = this.#options
    try {
      return await step()
    } catch (error) {
      telemetry.record({ event: 'fault', where: name, error })
      return null
    }
  }

  /** Between half and all of the exponential delay, and never more often than without failures. */
  #backoffMs(failures: number): number {
    const { random, everyMs, failurePauseMsMax = FAILURE_BACKOFF.maxMs } = this.#options
    const fullMs = Math.min(backoffMs(FAILURE_BACKOFF, failures, 0), failurePauseMsMax)
    return Math.max(everyMs, Math.round(spreadMs(fullMs, random())))
  }

  #turnOfOthers(): Promise<void> {
    return new Promise((resolve) => this.#options.clock.defer(resolve))
  }

  /** Through a timer that does not keep a process alive: there may be nothing else left to do. */
  #wait(ms: number): Promise<void> {
    const { signal } = this.#stopping
    return new Promise((resolve) => {
      if (signal.aborted || this.#hurried) {
        resolve()
        return
      }
      const wake = (): void => {
        this.#endWait = null
        signal.removeEventListener('abort', wake)
        cancel()
        resolve()
      }
      const cancel = this.#options.clock.schedule(ms, wake)
      this.#endWait = wake
      signal.addEventListener('abort', wake)
    })
  }
}
