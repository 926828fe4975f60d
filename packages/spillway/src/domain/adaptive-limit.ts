// How many handler calls a queue may have under way at once, found by measuring: the limit grows while batches are as fast
// as they are with little load, and shrinks when they get slower (they queue up downstream), fail or time out.
//
// Gradient2 of Netflix's concurrency-limits (limit/Gradient2Limit.java), once per window of samples as its WindowedLimit does:
//   gradient = clamp(tolerance * unloaded / measured, 0.5, 1);  limit += smoothing * (gradient * limit + queue - limit)
// with its defaults: smoothing 0.2, tolerance 1.5, windows of 10 samples, nothing learned about the limit with less than half of it in
// flight. The queue is sqrt(limit), as in its first Gradient, and not 4, which is a lot where the limit is 2. The rest differs because a
// queue with a backlog is always at its limit, and because its calls are batches:
// - The long-term average there follows the latency up, and under lasting load the limit drifts up with it without end. Here `unloaded` learns
//   from calls made at a quarter of the limit or less only, and now and then the limit dips to that for a few calls so that there are some
//   (BBR's ProbeRTT). A dip costs at most three quarters of the throughput for a fortieth of the time.
// - Latency is compared with what a batch of that size should take (latency-model.ts).
// - Errors and timeouts take off half their share of the window, beside what the gradient says: an error that comes once in
//   a hundred calls whatever the load must not bring the limit to the ground, windows full of timeouts must.

import { expectedMs, faster, type LatencyModel, learnedFrom, NO_LATENCY_MODEL } from './latency-model.js'
import { emptyWindow, type LimitSample, type LimitWindow, withSample } from './limit-window.js'
import { steadyNow } from './steady-time.js'

/** Samples that a change of the limit rests on; more when the limit is higher, so that calls made under the limit before are a minority. */
const LIMIT_WINDOW_SAMPLES = 10
/** A window of slow calls ends after this long with what it has. */
const LIMIT_WINDOW_MS = 1_000
/** A dip leaves this fraction of the limit, which is also the most that counts as little load. */
const DIP_DIVISOR = 4
/** Calls measured with little load before a dip ends. */
export const DIP_SAMPLES = 10
/** The least time between two dips; the next one is also DIP_SHARE times as far away as the last one was long. */
export const DIP_EVERY_MS = 10_000
const DIP_SHARE = 40

const DECREASE_MAX = 0.5
/** Errors count as a share of at least so many samples: one alone takes off a tenth, as AIMDLimit does. */
const ERROR_SHARE_SAMPLES = 5
const PRESSURE_DECREASE = 0.9
/** Batches this many times faster than expected, on the average of a window, show that the downstream got faster: as in Gradient2. */
const FAR_BELOW = 2

export interface AdaptiveLimitPolicy {
  readonly min: number
  readonly max: number
  /** What it starts with, between min and max. */
  readonly initial: number
  readonly smoothing: number
  /** Times slower than unloaded that batches may be before the limit shrinks; at least 1. */
  readonly tolerance: number
  /** Batches that take longer shrink the limit, whatever is normal for them; null = no ceiling. Half the handler's timeout is a good one. */
  readonly latencyMaxMs: number | null
}

export const DEFAULT_ADAPTIVE_LIMIT: AdaptiveLimitPolicy = Object.freeze({
  min: 1,
  max: 200,
  initial: 20,
  smoothing: 0.2,
  tolerance: 1.5,
  latencyMaxMs: null,
})

export type LimitReason = 'latency' | 'errors' | 'timeout' | 'ceiling' | 'recovered' | 'pressure'

interface LimitDip {
  readonly since: number
  readonly samples: number
  readonly light: number
}

export interface AdaptiveLimit {
  /** Handler calls at once, a whole number: what is to be obeyed. */
  readonly limit: number
  /** The limit when it does not dip, with its fraction. */
  readonly estimate: number
  /** Why the limit was changed last; null when it never was. */
  readonly reason: LimitReason | null
  readonly model: LatencyModel
  readonly window: LimitWindow
  /** The dip under way, or null, and when the next one is due. */
  readonly dip: LimitDip | null
  readonly dipDueAt: number
  /** When the last sample ended. */
  readonly at: number
}

export function startLimit(policy: AdaptiveLimitPolicy, now: number): AdaptiveLimit {
  const estimate = bounded(policy, policy.initial)
  return {
    limit: Math.floor(estimate),
    estimate,
    reason: null,
    model: NO_LATENCY_MODEL,
    window: emptyWindow(now),
    dip: null,
    dipDueAt: now + DIP_EVERY_MS,
    at: now,
  }
}

/** Takes in one call that ended at `now`. */
export function observe(
  state: AdaptiveLimit,
  policy: AdaptiveLimitPolicy,
  sample: LimitSample,
  now: number,
): AdaptiveLimit {
  const at = steadyNow(state.at, now)
  // A clock that went far back takes the appointments made by it along.
  const known =
    at < state.at ? { ...state, window: emptyWindow(at), dip: null, dipDueAt: at + DIP_EVERY_MS } : state
  const next = { ...known, at, model: learned(known, policy, sample) }
  return known.dip === null
    ? withWindowSample(next, policy, sample)
    : withDipSample(next, policy, known.dip, sample)
}

/** The process itself is short of memory or processor time: one step down, whatever the downstream says. */
export function underPressure(state: AdaptiveLimit, policy: AdaptiveLimitPolicy): AdaptiveLimit {
  return settled(state, policy, state.estimate * PRESSURE_DECREASE, 'pressure')
}

/** Light calls teach what is normal. Until there was one, any call has to do: the first dip puts it right. */
function learned(state: AdaptiveLimit, policy: AdaptiveLimitPolicy, sample: LimitSample): LatencyModel {
  const isLight = sample.inFlight <= dipLimit(policy, state.estimate)
  if (sample.outcome !== 'ok' || !(isLight || state.model.weight < DIP_SAMPLES)) return state.model
  return learnedFrom(state.model, sample.commands, sample.durationMs)
}

function withWindowSample(
  state: AdaptiveLimit,
  policy: AdaptiveLimitPolicy,
  sample: LimitSample,
): AdaptiveLimit {
  const window = withSample(state.window, sample, expectedMs(state.model, sample.commands))
  const samples = window.ok + window.errors + window.timeouts
  const isFull = samples >= Math.max(LIMIT_WINDOW_SAMPLES, state.estimate)
  if (!isFull && state.at - window.since < LIMIT_WINDOW_MS) return { ...state, window }
  const { estimate, reason } = judged({ ...state, window }, policy)
  const model = window.slowness * FAR_BELOW < window.ok ? faster(state.model) : state.model
  const changed = settled({ ...state, model, window: emptyWindow(state.at) }, policy, estimate, reason)
  return dipped(changed, policy, window)
}

interface Judgement {
  readonly estimate: number
  readonly reason: LimitReason
}

function judged({ window, estimate }: AdaptiveLimit, policy: AdaptiveLimitPolicy): Judgement {
  const byGradient = { estimate: followed(window, estimate, policy), reason: 'latency' } as const
  const byCeiling = { estimate: estimate * ceilingFactor(window, policy), reason: 'ceiling' } as const
  const calm = byCeiling.estimate < Math.min(byGradient.estimate, estimate) ? byCeiling : byGradient
  const failures = window.errors + window.timeouts
  const share = failures / Math.max(window.ok + failures, ERROR_SHARE_SAMPLES)
  const wanted = calm.estimate - estimate * share * DECREASE_MAX
  if (wanted >= estimate) return { estimate: wanted, reason: 'recovered' }
  if (failures === 0) return calm
  return {
    estimate: Math.max(wanted, estimate * DECREASE_MAX),
    reason: window.timeouts > 0 ? 'timeout' : 'errors',
  }
}

/** The gradient's step. Who does not use the limit learns nothing about it. */
function followed(window: LimitWindow, estimate: number, policy: AdaptiveLimitPolicy): number {
  if (window.ok === 0 || window.peak < estimate / 2) return estimate
  const gradient = Math.max(DECREASE_MAX, Math.min(1, (policy.tolerance * window.ok) / window.slowness))
  return estimate + policy.smoothing * (gradient * estimate + Math.sqrt(estimate) - estimate)
}

function ceilingFactor(window: LimitWindow, { latencyMaxMs }: AdaptiveLimitPolicy): number {
  if (latencyMaxMs === null || window.durationMs <= latencyMaxMs * window.ok) return 1
  return Math.max(DECREASE_MAX, (latencyMaxMs * window.ok) / window.durationMs)
}

function settled(
  state: AdaptiveLimit,
  policy: AdaptiveLimitPolicy,
  wanted: number,
  reason: LimitReason | null,
): AdaptiveLimit {
  const estimate = bounded(policy, wanted)
  const limit = state.dip === null ? Math.floor(estimate) : dipLimit(policy, estimate)
  return { ...state, estimate, limit, reason: limit === state.limit ? state.reason : reason }
}

/** Begins a dip when one is due and the limit is what holds calls back. */
function dipped(state: AdaptiveLimit, policy: AdaptiveLimitPolicy, window: LimitWindow): AdaptiveLimit {
  if (state.at < state.dipDueAt) return state
  const limit = dipLimit(policy, state.estimate)
  if (limit >= state.limit || window.peak < state.estimate / 2)
    return { ...state, dipDueAt: state.at + DIP_EVERY_MS }
  return { ...state, limit, dip: { since: state.at, samples: 0, light: 0 } }
}

/** Ends the dip when enough light calls were measured, or when there will not be enough: calls under way when it began end first. */
function withDipSample(
  state: AdaptiveLimit,
  policy: AdaptiveLimitPolicy,
  before: LimitDip,
  sample: LimitSample,
): AdaptiveLimit {
  const isLight = sample.outcome === 'ok' && sample.inFlight <= dipLimit(policy, state.estimate)
  const dip = { ...before, samples: before.samples + 1, light: before.light + (isLight ? 1 : 0) }
  const isOver = dip.light >= DIP_SAMPLES || dip.samples >= 2 * (state.estimate + DIP_SAMPLES)
  const window = sample.outcome === 'ok' ? state.window : withSample(state.window, sample, null)
  if (!isOver) return { ...state, window, dip }
  const nextInMs = Math.max(DIP_EVERY_MS, DIP_SHARE * (state.at - dip.since))
  const restored = settled({ ...state, dip: null }, policy, state.estimate, state.reason)
  return { ...restored, window: { ...window, since: state.at }, dipDueAt: state.at + nextInMs }
}

/** Also the most that counts as little load; where `min` allows no less, that is as little as it gets. */
function dipLimit(policy: AdaptiveLimitPolicy, estimate: number): number {
  return Math.max(1, policy.min, Math.floor(estimate / DIP_DIVISOR))
}

function bounded(policy: AdaptiveLimitPolicy, estimate: number): number {
  return Math.min(Math.max(estimate, policy.min, 1), Math.max(policy.max, 1))
}
