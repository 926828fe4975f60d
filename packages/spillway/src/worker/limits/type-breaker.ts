// The circuit breaker of one type as this process takes part in it. What calls came to is counted here and shared when it matters:
// when some failed, at most once per SHARE_EVERY_MS, or at once when it opens the breaker or is a probe's answer. A type that
// does well costs nothing. When the store fails, what this process saw by itself counts.

import {
  type Breaker,
  type BreakerCalls,
  type BreakerPhase,
  type BreakerPolicy,
  beginProbe,
  breakerPhase,
  mayRun,
  recordOutcomes,
} from '../../domain/index.js'
import type { Cancel, Clock, StoreShared, Telemetry } from '../../ports/index.js'
import { changeShared } from '../shared-change.js'
import { breakerChange, breakerKeyOf, parseBreaker } from './shared-breaker.js'

const SHARE_EVERY_MS = 1_000

export interface TypeBreakerOptions {
  readonly queue: string
  readonly type: string
  readonly policy: BreakerPolicy
  readonly shared: Pick<StoreShared, 'read' | 'write'>
  readonly clock: Pick<Clock, 'now' | 'monotonic' | 'schedule'>
  readonly telemetry: Telemetry
  readonly onChange: (type: string, phase: BreakerPhase) => void
}

const NO_CALLS: BreakerCalls = Object.freeze({ ok: 0, failed: 0, probe: false })

export class TypeBreaker {
  readonly key: string
  readonly #options: TypeBreakerOptions
  /** As far as is known, and when by the monotonic clock. */
  #breaker: Breaker | null = null
  #knownAt = Number.NEGATIVE_INFINITY
  /** The store's clock is ahead of the monotonic one by so much. */
  #clockOffsetMs: number
  #toldPhase: BreakerPhase = 'closed'
  /** Calls nobody else knows of, the first of which ended then. */
  #calls = NO_CALLS
  #callsSince = 0
  #cancelSharing: Cancel | null = null
  #closed = false
  #sharing: Promise<void> = Promise.resolve()
  /** Probes that this process may make, and how long it may. */
  #probes = 0
  #probesUntil = 0

  constructor(options: TypeBreakerOptions) {
    const { clock, type } = options
    this.#options = options
    this.key = breakerKeyOf(type)
    this.#clockOffsetMs = clock.now() - clock.monotonic()
  }

  get isOutdated(): boolean {
    return this.#options.clock.monotonic() - this.#knownAt >= SHARE_EVERY_MS
  }

  /** Changes whenever something becomes known, so that an answer that was overtaken can be told. */
  get knownAt(): number {
    return this.#knownAt
  }

  /** Whether its chunks may be claimed now: all, as probes, or after a while. */
  mayClaim(): ReturnType<typeof mayRun> {
    this.#tell()
    if (this.#probesLeft() > 0) return 'probe'
    return mayRun(this.#breaker, this.#options.policy, this.#now())
  }

  /** Whether a call may begin of what is in hand. */
  mayBegin(): boolean {
    return this.#breaker === null || this.#breaker.state === 'closed' || this.#probesLeft() > 0
  }

  /** A call begins; whether as a probe. */
  begin(): boolean {
    if (this.#probesLeft() === 0) return false
    this.#probes -= 1
    return true
  }

  /** How many calls this process may make to find out. */
  async takeProbes(): Promise<number> {
    const { shared, policy, telemetry } = this.#options
    if (this.#probesLeft() > 0) return this.#probes
    let taken = 0
    const take = (breaker: Breaker | null, now: number): Breaker | null => {
      let next = breaker
      for (taken = 0; next !== null && mayRun(next, policy, now) === 'probe'; taken += 1)
        next = beginProbe(next, policy, now)
      return next
    }
    let next: Breaker | null = null
    try {
      const lost = await changeShared(shared, [this.key], (_, text, now) => {
        this.#hear(now)
        next = take(parseBreaker(text), now)
        return taken === 0 || next === null ? null : breakerChange(next, policy)
      })
      if (lost.length > 0) return 0
    } catch (error) {
      telemetry.record({ event: 'fault', where: 'worker.breaker', error })
      next = take(this.#breaker, this.#now())
    }
    this.#probes = taken
    this.#probesUntil = this.#options.clock.monotonic() + policy.openMs
    this.#become(next)
    return taken
  }

  /** A call ended. */
  note(outcome: 'ok' | 'failed', isProbe: boolean): void {
    const { policy, clock } = this.#options
    if (isProbe) {
      const calls = { ok: outcome === 'ok' ? 1 : 0, failed: outcome === 'ok' ? 0 : 1, probe: true }
      this.#share(() => calls)
      return
    }
    // Begun before it opened: it says nothing about now.
    if (this.#breaker !== null && this.#breaker.state === 'open') return
    const now = clock.monotonic()
    const isStale = this.#calls.failed === 0 && now - this.#callsSince >= policy.windowMs
    if (isStale || this.#calls === NO_CALLS) this.#callsSince = now
    const { ok, failed } = isStale ? NO_CALLS : this.#calls
    this.#calls =
      outcome === 'ok' ? { ok: ok + 1, failed, probe: false } : { ok, failed: failed + 1, probe: false }
    if (this.#calls.failed > 0) this.#shareSometime()
  }

  /** What the store has. */
  learn(text: string | null, now: number): void {
    this.#hear(now)
    this.#become(parseBreaker(text))
  }

  /** Shares what is on its way, and from now on nothing later. Never rejects. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#cancelSharing !== null) this.#share(() => this.#takeCalls())
    this.#cancelSharing?.()
    await this.#sharing
  }

  #shareSometime(): void {
    const { policy, clock } = this.#options
    if (recordOutcomes(this.#breaker, policy, this.#calls, this.#now()).state === 'open') {
      this.#share(() => this.#takeCalls())
    } else if (!this.#closed) {
      this.#cancelSharing ??= clock.schedule(SHARE_EVERY_MS, () => {
        this.#cancelSharing = null
        this.#share(() => this.#takeCalls())
      })
    }
  }

  #takeCalls(): BreakerCalls {
    const calls = this.#calls
    this.#calls = NO_CALLS
    return calls
  }

  /** One at a time, or they would be in each other's way. */
  #share(takeCalls: () => BreakerCalls): void {
    this.#sharing = this.#sharing.then(async () => {
      const calls = takeCalls()
      if (calls.ok + calls.failed > 0) this.#become(await this.#recorded(calls))
    })
  }

  async #recorded(calls: BreakerCalls): Promise<Breaker | null> {
    const { shared, policy, telemetry } = this.#options
    let next = this.#breaker
    try {
      await changeShared(shared, [this.key], (_, text, now) => {
        this.#hear(now)
        const before = parseBreaker(text)
        next = recordOutcomes(before, policy, calls, now)
        return next === before ? null : breakerChange(next, policy)
      })
      return next
    } catch (error) {
      telemetry.record({ event: 'fault', where: 'worker.breaker', error })
      return recordOutcomes(this.#breaker, policy, calls, this.#now())
    }
  }

  #become(breaker: Breaker | null): void {
    this.#breaker = breaker
    this.#knownAt = this.#options.clock.monotonic()
    this.#tell()
  }

  #tell(): void {
    const { queue, type, policy, telemetry, onChange } = this.#options
    const phase = breakerPhase(this.#breaker, policy, this.#now())
    if (phase !== 'half-open') this.#probes = 0
    if (phase === this.#toldPhase) return
    this.#toldPhase = phase
    telemetry.record({ event: 'breaker.changed', queue, type, state: phase })
    onChange(type, phase)
  }

  #probesLeft(): number {
    if (this.#options.clock.monotonic() >= this.#probesUntil) this.#probes = 0
    return this.#probes
  }

  #hear(storeNow: number): void {
    this.#clockOffsetMs = storeNow - this.#options.clock.monotonic()
  }

  #now(): number {
    return this.#options.clock.monotonic() + this.#clockOffsetMs
  }
}
