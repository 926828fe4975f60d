// One spool: as long as this process holds it, every writer that turns up in it has a shipper, and what it holds is measured.

import { SpillwayError } from '../errors/index.js'
import {
  type Damage,
  listQuarantined,
  listWriters,
  lockSpool,
  type Position,
  type SpoolLock,
  type WriterFolder,
  WriterTail,
} from '../journal/index.js'
import type { Cancel, Clock, Files, Processes, Random, Telemetry, WatchFolder } from '../ports/index.js'
import type { ByteBudget } from './byte-budget.js'
import type { Destination } from './destination.js'
import { DISCOVER_MS, LOCK_RETRY_MS } from './limits.js'
import { countRefused, keepRefused } from './refused-frames.js'
import { Signal } from './signal.js'
import { type RefusedFrame, WriterShipper } from './writer-shipper.js'

/** What an agent is to take from one spool, and where. */
export interface SpoolPlan {
  readonly folder: string
  readonly route: (queue: string) => Destination
}

export interface SpoolState {
  readonly spool: string
  /** This process is the one that ships it. */
  readonly isHeld: boolean
  readonly writers: number
  readonly backlogBytes: number
  /** Age of the oldest frame that has not arrived; 0 when there is none. */
  readonly oldestAgeMs: number
  /** Bytes of segments in which something could not be read. */
  readonly quarantinedBytes: number
  /** Frames that no destination took. */
  readonly refusedFrames: number
}

export interface SpoolShipperOptions {
  readonly plan: SpoolPlan
  readonly files: Files
  readonly processes: Processes
  readonly watch: WatchFolder
  readonly budget: ByteBudget
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
}

interface Shipping {
  readonly shipper: WriterShipper<Position>
  readonly unwatch: Cancel
}

export class SpoolShipper {
  readonly #options: SpoolShipperOptions
  readonly #spool: string
  readonly #writers = new Map<string, Shipping>()
  readonly #stopping = new AbortController()
  readonly #news = new Signal()
  #lock: SpoolLock | null = null
  #running: Promise<void> | null = null
  #kept = { quarantinedBytes: 0, refusedFrames: 0 }

  constructor(options: SpoolShipperOptions) {
    this.#options = options
    this.#spool = options.plan.folder
  }

  /** Throws `state_conflict` when another agent has the spool and is not to be waited for. */
  async start({ wait }: { readonly wait: boolean }): Promise<void> {
    const holder = await this.#tryLock()
    if (holder !== null) {
      if (!wait) throw heldBy(this.#spool, holder)
      this.#record(`agent: waiting for ${this.#spool}, which ${holder} holds`)
    } else await this.#attempt(() => this.#discover())
    this.#running = this.#run()
  }

  async state(): Promise<SpoolState> {
    const now = this.#options.clock.now()
    let backlogBytes = 0
    let oldestAgeMs = 0
    for (const { shipper } of [...this.#writers.values()]) {
      try {
        const { bytes, oldestAt } = await shipper.backlog()
        backlogBytes += bytes
        if (oldestAt !== null) oldestAgeMs = Math.max(oldestAgeMs, now - oldestAt)
      } catch {
        // Its reader says the same, and what for.
      }
    }
    return {
      ...{ spool: this.#spool, isHeld: this.#lock !== null, writers: this.#writers.size },
      ...{ backlogBytes, oldestAgeMs, ...this.#kept },
    }
  }

  /** Waits at most `drainMs` for what is under way, writes the checkpoints, and lets go of the spool. */
  async stop(drainMs: number): Promise<void> {
    this.#stopping.abort()
    this.#news.fire()
    await this.#running
    await this.#letGo(drainMs)
    await this.#lock?.release()
    this.#lock = null
  }

  async #run(): Promise<void> {
    const { clock } = this.#options
    const { signal } = this.#stopping
    while (!signal.aborted) {
      if (this.#lock === null) await clock.sleep(LOCK_RETRY_MS, signal)
      if (this.#lock === null && !signal.aborted) await this.#attempt(() => this.#tryLock())
      if (this.#lock !== null) await this.#ship(this.#lock)
    }
  }

  /** Until told to stop, or somebody else has taken the spool over. */
  async #ship(lock: SpoolLock): Promise<void> {
    const { clock, watch } = this.#options
    const { signal } = this.#stopping
    const wake = (): void => this.#news.fire()
    const unwatch = watch(this.#spool, wake)
    lock.lost.addEventListener('abort', wake, { once: true })
    await this.#attempt(() => this.#countKept())
    const isOver = (): boolean => signal.aborted || lock.lost.aborted
    while (!isOver()) {
      await this.#attempt(() => this.#discover())
      // Whoever told it to stop while it looked does not say so again.
      if (!isOver()) await this.#news.within(DISCOVER_MS, clock)
    }
    unwatch()
    if (!lock.lost.aborted) return
    this.#lock = null
    const error = new Error(`The spool ${this.#spool} was taken over: this process was silent for too long.`)
    this.#options.telemetry.record({ event: 'fault', where: 'agent: spool', error })
    for (const { shipper } of this.#writers.values()) shipper.abandon()
    await this.#letGo(0)
  }

  async #discover(): Promise<void> {
    for (const writer of await listWriters(this.#options.files, this.#spool)) {
      if (this.#stopping.signal.aborted) return
      if (!this.#writers.has(writer.writerId)) await this.#attempt(() => this.#take(writer))
    }
  }

  async #take({ writerId, folder }: WriterFolder): Promise<void> {
    const { plan, watch } = this.#options
    const tail = await WriterTail.open({
      ...{ ...this.#options, folder },
      onDamage: (damage) => this.#damaged(damage),
    })
    const shipper = new WriterShipper<Position>({
      ...{ ...this.#options, tail, route: plan.route },
      keepAside: (frame) => this.#keepAside(writerId, frame),
      onOutcome: (outcome, frames, commands) =>
        this.#options.telemetry.record({
          ...{ event: 'agent.frames', spool: this.#spool, outcome, frames, commands },
        }),
      onFault: (error) => this.#fault(error),
    })
    const shipping = { shipper, unwatch: watch(folder, () => shipper.announce()) }
    this.#writers.set(writerId, shipping)
    void this.#follow(writerId, shipping)
  }

  async #follow(writerId: string, { shipper, unwatch }: Shipping): Promise<void> {
    const end = await this.#attempt(() => shipper.run())
    if (end === 'stopped') return
    unwatch()
    if (end === null) await shipper.stop(0)
    this.#writers.delete(writerId)
  }

  async #letGo(drainMs: number): Promise<void> {
    const writers = [...this.#writers.values()]
    this.#writers.clear()
    await Promise.all(
      writers.map(({ shipper, unwatch }) => {
        unwatch()
        return this.#attempt(() => shipper.stop(drainMs))
      }),
    )
  }

  /** Who holds it, or null when this process does now. */
  async #tryLock(): Promise<string | null> {
    const verdict = await lockSpool({ ...this.#options, spool: this.#spool })
    if (verdict.status === 'held') return nameOf(verdict.by)
    this.#lock = verdict.lock
    return null
  }

  async #keepAside(writer: string, { payload, count, writtenAt, reason }: RefusedFrame): Promise<void> {
    const { files, clock, telemetry } = this.#options
    const note = { reason, writer, commands: count, writtenAt, refusedAt: clock.now() }
    const path = await keepRefused(files, this.#spool, payload, note)
    await this.#countKept()
    telemetry.record({ event: 'agent.refused', spool: this.#spool, commands: count, reason, path })
  }

  #damaged(damage: Damage): void {
    const { kind, writerId, from, to, commands } = damage
    const { telemetry } = this.#options
    telemetry.record({
      ...{ event: 'agent.damaged', spool: this.#spool, kind, writer: writerId },
      ...{ segment: damage.segment, bytes: to - from, commands },
    })
    void this.#attempt(() => this.#countKept())
  }

  async #countKept(): Promise<void> {
    const { files } = this.#options
    const quarantined = await listQuarantined(files, this.#spool)
    const refusedFrames = await countRefused(files, this.#spool)
    const quarantinedBytes = quarantined.reduce((sum, { bytes }) => sum + bytes, 0)
    this.#kept = { quarantinedBytes, refusedFrames }
  }

  /** Null when it failed, which is said. */
  async #attempt<T>(work: () => Promise<T>): Promise<T | null> {
    try {
      return await work()
    } catch (error) {
      this.#fault(error)
      return null
    }
  }

  #fault(error: unknown): void {
    this.#options.telemetry.record({ event: 'fault', where: `agent: ${this.#spool}`, error })
  }

  #record(what: string): void {
    this.#options.telemetry.record({ event: 'lifecycle', what })
  }
}

function nameOf(mark: { readonly pid: number } | null): string {
  return mark === null ? 'another process' : `process ${mark.pid}`
}

function heldBy(spool: string, holder: string): SpillwayError {
  return new SpillwayError(
    'state_conflict',
    `The spool ${spool} is shipped by another agent, ${holder}. Stop that one first, or wait for it with --wait.`,
    { details: { spool, holder } },
  )
}
