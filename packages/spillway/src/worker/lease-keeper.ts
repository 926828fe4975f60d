// Keeps the leases of one queue alive: one heartbeat for all of them every third of a lease, carrying what was finished since
// the last. A lease that the store calls stale, or that could not be extended in time, is ours no longer.

import type { LeaseProgress } from '../domain/index.js'
import type { Cancel, Clock, Random, Store, Telemetry } from '../ports/index.js'
import type { HeldChunk } from './held-chunk.js'
import { storeBackoffMs } from './store-backoff.js'

/** A lease survives two lost heartbeats. */
const BEATS_PER_LEASE = 3

export interface LeaseKeeperOptions {
  readonly store: Pick<Store, 'extend'>
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
  readonly leaseMs: number
  readonly held: ReadonlySet<HeldChunk>
  /** Aborts when the worker gives up on everything. */
  readonly ended: AbortSignal
}

/** What is said about every chunk of one extend call besides its progress. */
type Remark = Pick<LeaseProgress, 'cursor' | 'release'>

export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions
  readonly #beatMs: number
  #nextBeatAt = 0
  /** The heartbeat that is on its way; false when it failed. */
  #beating: Promise<boolean> | null = null
  #failures = 0
  #armedFor = 0
  #cancelTimer: Cancel | null = null
  /** Types whose handler calls ended while a tick was overdue: one of them may be what kept it. */
  readonly #suspects = new Set<string>()

  constructor(options: LeaseKeeperOptions) {
    this.#options = options
    this.#beatMs = Math.floor(options.leaseMs / BEATS_PER_LEASE)
  }

  /** To be called when chunks were added to `held`. */
  watch(): void {
    const now = this.#options.clock.monotonic()
    if (this.#cancelTimer === null && this.#beating === null) this.#nextBeatAt = now + this.#beatMs
    if (this.#cancelTimer === null || this.#dueAt() < this.#armedFor) this.#arm()
  }

  /** Writes which command runs alone next. False when the lease was lost before that was possible. */
  async mark(chunk: HeldChunk, cursor: number): Promise<boolean> {
    return (await this.#write([chunk], { cursor })) && !chunk.ended
  }

  /** Gives chunks back, with what is known about them, to whoever claims them next. */
  async release(chunks: readonly HeldChunk[]): Promise<void> {
    // Without the cursor: a command that did not run must not be blamed for a later crash.
    await this.#write(chunks, { release: true, cursor: null })
  }

  /**
   * Leaves the chunks to a transaction from here on. A heartbeat that is on its way is waited for: it would wait for the
   * transaction, and all other leases with it.
   */
  async enclose(chunks: readonly HeldChunk[]): Promise<void> {
    for (const chunk of chunks) chunk.enclosed = true
    await this.#beating
  }

  /** Takes them back, with a heartbeat first where the transaction took the time of one. */
  async disclose(chunks: readonly HeldChunk[]): Promise<void> {
    const dueAt = this.#options.clock.monotonic() + this.#options.leaseMs - this.#beatMs
    const kept = chunks.filter(({ ended, open, leaving }) => !ended && open > 0 && leaving === null)
    const late = kept.filter(({ deadline }) => deadline < dueAt)
    if (late.length > 0) await this.#extend(late, null)
    for (const chunk of chunks) chunk.enclosed = false
    this.watch()
  }

  /** A handler call of this type has just ended. */
  ran(type: string): void {
    if (this.#cancelTimer !== null && this.#isOverdue(this.#options.clock.monotonic()))
      this.#suspects.add(type)
  }

  stop(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = null
  }

  /** Until the store answered about all of them or their leases are gone; false when the worker gave up before. */
  async #write(chunks: readonly HeldChunk[], remark: Remark): Promise<boolean> {
    const { clock, random, ended } = this.#options
    for (let failures = 0; !ended.aborted; ) {
      const now = clock.monotonic()
      const held = chunks.filter((chunk) => chunk.stillHeld(now))
      if (held.length === 0 || (await this.#extend(held, remark))) return true
      failures += 1
      await clock.sleep(storeBackoffMs(failures, random), ended)
    }
    return false
  }

  /** One call; false when the store failed. */
  async #extend(chunks: readonly HeldChunk[], remark: Remark | null): Promise<boolean> {
    const { store, clock, telemetry, leaseMs } = this.#options
    // Counted from before the call: the store's own clock started the lease no earlier than that.
    const deadline = clock.monotonic() + leaseMs
    const pending = chunks.map((chunk) => chunk.progress.pending())
    const items = chunks.map((chunk, at): LeaseProgress => {
      const { updates, finished, appends } = pending[at] as (typeof pending)[number]
      const progress = { ...chunk.ref, updates, finished, ...remark }
      return appends.length === 0 ? progress : { ...progress, appends }
    })
    try {
      const verdicts = await store.extend(items, leaseMs)
      for (const [at, chunk] of chunks.entries()) {
        if (verdicts[at] === 'ok') {
          chunk.progress.kept((pending[at] as (typeof pending)[number]).mark)
          chunk.deadline = Math.max(chunk.deadline, deadline)
          if (remark?.release === true) chunk.end('released')
        } else if (!chunk.settling) chunk.end('stale')
      }
      return true
    } catch (error) {
      telemetry.record({ event: 'fault', where: 'worker.extend', error })
      return false
    }
  }

  #dueAt(): number {
    let dueAt = this.#beating === null ? this.#nextBeatAt : Number.POSITIVE_INFINITY
    for (const chunk of this.#options.held) if (!chunk.enclosed) dueAt = Math.min(dueAt, chunk.deadline)
    return dueAt
  }

  #arm(): void {
    this.stop()
    const { clock, held, ended } = this.#options
    const dueAt = this.#dueAt()
    if (held.size === 0 || ended.aborted || dueAt === Number.POSITIVE_INFINITY) return
    this.#armedFor = dueAt
    this.#cancelTimer = clock.schedule(Math.max(0, dueAt - clock.monotonic()), () => this.#tick())
  }

  #tick(): void {
    this.#cancelTimer = null
    const { clock, held, telemetry } = this.#options
    const now = clock.monotonic()
    telemetry.record({ event: 'heartbeat.delay', delayMs: Math.max(0, now - this.#armedFor) })
    if (this.#isOverdue(now)) this.#recordBlocked(now - this.#armedFor)
    this.#suspects.clear()
    for (const chunk of [...held]) chunk.stillHeld(now)
    if (this.#beating === null && now >= this.#nextBeatAt) void this.#beat()
    this.#arm()
  }

  /** A whole heartbeat was missed, because nothing of this process ran. */
  #isOverdue(now: number): boolean {
    return now - this.#armedFor >= this.#beatMs
  }

  #recordBlocked(durationMs: number): void {
    const { held, telemetry } = this.#options
    for (const { calls, lease } of held) if (calls.length > 0) this.#suspects.add(lease.type)
    if (this.#suspects.size > 0)
      telemetry.record({ event: 'event_loop.blocked', durationMs, types: [...this.#suspects] })
  }

  async #beat(): Promise<void> {
    const { clock, random, held } = this.#options
    const chunks = [...held].filter(({ leaving, enclosed }) => leaving === null && !enclosed)
    this.#nextBeatAt = clock.monotonic() + this.#beatMs
    if (chunks.length === 0) return
    this.#beating = this.#extend(chunks, null)
    const taken = await this.#beating
    this.#beating = null
    this.#failures = taken ? 0 : this.#failures + 1
    if (!taken) {
      const retryMs = Math.min(this.#beatMs, storeBackoffMs(this.#failures, random))
      this.#nextBeatAt = clock.monotonic() + retryMs
    }
    this.#arm()
  }
}
