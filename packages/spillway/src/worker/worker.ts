// The worker of one process: a runner per queue, one settler for all of them, wake-ups handed to whom they concern.

import type { ResolvedQueue } from '../config/index.js'
import type {
  CallbackRoute,
  Clock,
  Executor,
  Random,
  ReadPressure,
  SettledListener,
  Store,
  Telemetry,
} from '../ports/index.js'
import { Aftermath } from './aftermath.js'
import type { OwnAppends } from './claimer.js'
import type { ForeignCommands } from './deliveries/index.js'
import { planOf } from './queue-plan.js'
import { QueueRunner } from './queue-runner.js'
import { Settler } from './settler.js'
import type { ShortRuns } from './short-way/short-runs.js'

/** How long stop() waits, after handlers were told to stop, for them to do so, and then for the last writes. */
export const CLOSE_GRACE_MS = 1_000

export interface WorkerOptions {
  readonly store: Store
  readonly executor: Executor
  readonly queues: readonly ResolvedQueue[]
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
  /** Name of this worker in leases. */
  readonly workerId: string
  /** How often to look for work that nothing announced. */
  readonly pollMs: number
  /** What the process submits itself, which it keeps pace with before it works off what is older. */
  readonly ownAppends?: OwnAppends | undefined
  /** For single commands that come over a broker; absent = only chunks are taken from one. */
  readonly foreignCommands?: ForeignCommands | undefined
  /** How short the process is of time and memory, for queues whose concurrency adapts; absent = it never is. */
  readonly readPressure?: ReadPressure | undefined
  /** How long stop() lets handlers run before it tells them to stop. */
  readonly closeTimeoutMs: number
  /** As which commands callbacks are stored; absent = nobody is called back. */
  readonly callbackRoute?: CallbackRoute
  /** Hears of commands once what became of them is in the store. */
  readonly listener?: SettledListener
}

export class Worker {
  readonly #options: WorkerOptions
  readonly #runners = new Map<string, QueueRunner>()
  readonly #settler: Settler
  readonly #ended = new AbortController()
  #unsubscribe: (() => void) | null = null
  #stopped: Promise<void> | null = null

  constructor(options: WorkerOptions) {
    this.#options = options
    const ended = this.#ended.signal
    this.#settler = new Settler({ ...options, ended })
    const aftermath = new Aftermath(options)
    for (const queue of options.queues) {
      const plan = planOf(queue)
      if (plan === null) continue
      this.#runners.set(
        queue.name,
        new QueueRunner({ ...options, settler: this.#settler, aftermath, ended }, queue, plan),
      )
    }
  }

  start(): void {
    if (this.#unsubscribe !== null || this.#stopped !== null) return
    this.#unsubscribe = this.#options.store.wake.subscribe((queue, commands) =>
      this.#runners.get(queue)?.announce(commands),
    )
    for (const runner of this.#runners.values()) runner.start()
  }

  /** For chunks of this process's own submits. Null while it does not work on the queue. */
  shortWayOf(queue: string): ShortRuns | null {
    const isWorking = this.#unsubscribe !== null && this.#stopped === null
    return isWorking ? (this.#runners.get(queue)?.shortRuns ?? null) : null
  }

  /** Claims without waiting for polls until nothing is left to claim; resolves when all of it is settled. */
  async idle(): Promise<void> {
    await Promise.all(Array.from(this.#runners.values(), (runner) => runner.idle()))
  }

  /** Claims nothing more, finishes what runs or gives it back. Takes little more than `closeTimeoutMs` at the very most. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    this.#unsubscribe?.()
    const runners = [...this.#runners.values()]
    const closed = Promise.all(runners.map((runner) => runner.close()))
    if (!(await this.#within(this.#options.closeTimeoutMs, closed))) {
      for (const runner of runners) runner.interrupt()
      if (!(await this.#within(CLOSE_GRACE_MS, closed))) {
        for (const runner of runners) runner.relinquish()
        await this.#within(CLOSE_GRACE_MS, closed)
      }
    }
    this.#ended.abort()
    for (const runner of runners) runner.abandon()
  }

  async #within(ms: number, closed: Promise<unknown>): Promise<boolean> {
    const waiting = new AbortController()
    const won = await Promise.race([
      closed.then(() => true),
      this.#options.clock.sleep(ms, waiting.signal).then(() => false),
    ])
    waiting.abort()
    return won
  }
}
