// How many handler calls a queue may have under way: a fixed number, or one that follows what the counterpart and this process
// can take.

import type { ResolvedQueue } from '../../config/index.js'
import {
  type AdaptiveLimit,
  type AdaptiveLimitPolicy,
  DEFAULT_ADAPTIVE_LIMIT,
  observe,
  startLimit,
  underPressure,
} from '../../domain/index.js'
import type { Clock, EndedCall, ReadPressure, Telemetry } from '../../ports/index.js'

/** How often this process's own state is looked at, and told. */
const SIGNALS_EVERY_MS = 1_000
/** Timers this late on the average, or so much of the heap in use, mean that more calls would make everything slower. */
const EVENT_LOOP_DELAY_MS_MAX = 100
const HEAP_USED_RATIO_MAX = 0.9

export interface CallLimit {
  /** Calls at once. */
  readonly current: number
  /** To be asked when a call begins: where to tell how it ended, or null when nobody wants to know. */
  begin(): ((call: EndedCall) => void) | null
}

export interface CallLimitOptions {
  readonly queue: ResolvedQueue
  readonly clock: Pick<Clock, 'monotonic'>
  readonly telemetry: Telemetry
  readonly readPressure?: ReadPressure | undefined
  /** Calls under way. */
  readonly active: () => number
  /** Commands that could start at once if there were room. */
  readonly queued: () => number
}

export function callLimitOf(options: CallLimitOptions): CallLimit {
  const { adaptive, concurrency } = options.queue
  if (adaptive === null) return { current: concurrency, begin: () => null }
  const { min, latencyMs } = adaptive
  // Calls that get near their timeout shrink the limit before they reach it.
  const latencyMaxMs = latencyMs ?? Math.min(...options.queue.commands.map(({ timeoutMs }) => timeoutMs)) / 2
  const policy = { ...DEFAULT_ADAPTIVE_LIMIT, min, max: concurrency, latencyMaxMs }
  return new AdaptiveCallLimit(options, policy)
}

class AdaptiveCallLimit implements CallLimit {
  readonly #options: CallLimitOptions
  readonly #policy: AdaptiveLimitPolicy
  #state: AdaptiveLimit
  #signalsAt: number

  constructor(options: CallLimitOptions, policy: AdaptiveLimitPolicy) {
    this.#options = options
    this.#policy = policy
    this.#signalsAt = options.clock.monotonic()
    this.#state = startLimit(policy, this.#signalsAt)
  }

  get current(): number {
    return this.#state.limit
  }

  begin(): (call: EndedCall) => void {
    const inFlight = this.#options.active()
    return (call) => this.#ended({ ...call, inFlight })
  }

  #ended(sample: EndedCall & { readonly inFlight: number }): void {
    const now = this.#options.clock.monotonic()
    this.#become(observe(this.#state, this.#policy, sample, now))
    if (now - this.#signalsAt < SIGNALS_EVERY_MS) return
    this.#signalsAt = now
    if (this.#isUnderPressure()) this.#become(underPressure(this.#state, this.#policy))
    this.#tellPool()
  }

  #isUnderPressure(): boolean {
    const reading = this.#options.readPressure?.()
    if (reading === undefined) return false
    return reading.eventLoopDelayMs > EVENT_LOOP_DELAY_MS_MAX || reading.heapUsedRatio > HEAP_USED_RATIO_MAX
  }

  #become(state: AdaptiveLimit): void {
    const { limit: before } = this.#state
    this.#state = state
    const { limit, reason } = state
    if (limit === before) return
    const { queue, telemetry } = this.#options
    telemetry.record({ event: 'limit.changed', queue: queue.name, limit, reason: reason ?? 'latency' })
    this.#tellPool()
  }

  #tellPool(): void {
    const { queue, telemetry, active, queued } = this.#options
    const state = { active: active(), limit: this.current, queued: queued() }
    telemetry.record({ event: 'pool.state', queue: queue.name, ...state })
  }
}
