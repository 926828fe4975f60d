// One incarnation of a simulated process: its view of time, and the gate through which everything that happens to it
// passes. A crash closes the gate for good, so that no continuation of a dead process ever runs past its next await; a
// pause (SIGSTOP) keeps what arrives until the process resumes.

import type { Cancel, Clock } from '../../ports/index.js'

export interface LifeOptions {
  readonly process: string
  readonly clock: Clock
  /** How far this process's wall clock is off. */
  readonly skewMs: number
  readonly onCrash: () => void
}

export class Life {
  readonly process: string
  readonly clock: Clock
  readonly #onCrash: () => void
  readonly #base: Clock
  readonly #mourners = new Set<() => void>()
  #over = false
  #cutUntil = 0
  /** What arrived since the process was stopped; null while it runs. */
  #held: (() => void)[] | null = null

  constructor({ process, clock, skewMs, onCrash }: LifeOptions) {
    this.process = process
    this.#base = clock
    this.#onCrash = onCrash
    this.clock = gatedClock(clock, skewMs, this)
  }

  /** Crashed or ended: nothing of it may act any more. */
  get over(): boolean {
    return this.#over
  }

  get paused(): boolean {
    return this.#held !== null
  }

  /** Calls it once the incarnation is over, crashed or ended. Returns what takes that back. */
  whenOver(mourn: () => void): () => void {
    this.#mourners.add(mourn)
    return () => this.#mourners.delete(mourn)
  }

  /** Runs now, after the resume, or never. */
  enter(run: () => void): void {
    if (this.#over) return
    if (this.#held === null) run()
    else this.#held.push(run)
  }

  pause(): void {
    this.#held ??= []
  }

  /** For so long nothing it sends arrives, and nothing arrives from elsewhere; then all of it does. */
  cutOff(ms: number): void {
    this.#cutUntil = Math.max(this.#cutUntil, this.#base.now() + ms)
  }

  /** How long a message from or to it takes that would take `ms`. */
  travelMs(ms: number): number {
    return Math.max(ms, this.#cutUntil - this.#base.now())
  }

  resume(): void {
    const held = this.#held ?? []
    this.#held = null
    // One at a time, each with its own promise jobs, as an event loop that catches up has them.
    for (const run of held) this.#base.schedule(0, () => this.enter(run))
  }

  /** Ends this incarnation where it stands. The promise is for code that must not go on. */
  crash(): Promise<never> {
    if (!this.#over) {
      this.end()
      this.#onCrash()
    }
    return never()
  }

  /** Ends it without a crash: it was shut down. */
  end(): void {
    this.#over = true
    this.#held = null
    for (const mourn of this.#mourners) mourn()
    this.#mourners.clear()
  }
}

/** Of its own for everybody who waits: a shared one would hold on to all of them, and to the worlds they live in. */
function never(): Promise<never> {
  return new Promise(() => {})
}

function gatedClock(base: Clock, skewMs: number, life: Life): Clock {
  const schedule = (ms: number, run: () => void): Cancel => {
    if (life.over) return () => {}
    // Never early: a timer that fires a fraction too soon and is set again for the rest would stand still in virtual time.
    return base.schedule(Math.ceil(ms), () => life.enter(run))
  }
  return {
    now: () => base.now() + skewMs,
    monotonic: () => base.monotonic(),
    schedule,
    sleep(ms, signal) {
      if (life.over) return never()
      if (signal?.aborted === true) return Promise.resolve()
      return new Promise((resolve) => {
        const wake = (): void => {
          signal?.removeEventListener('abort', wake)
          cancel()
          resolve()
        }
        const cancel = schedule(ms, wake)
        signal?.addEventListener('abort', wake)
      })
    },
    defer(run) {
      if (!life.over) base.defer(() => life.enter(run))
    },
  }
}
