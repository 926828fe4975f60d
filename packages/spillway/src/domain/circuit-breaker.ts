// A circuit breaker per command type: when what a handler depends on keeps failing, the type is left alone for a while and
// then tried with a few single calls, so that retries do not hammer what is down. The state is plain data that processes
// share by compare-and-set: read, apply one of these functions, write with the version that was read, read again if stale.
// (Nygard, "Release It!"; half-open probing as in resilience4j.)

import type { Outcome } from './outcome.js'
import { steadyNow } from './steady-time.js'

/** Parts of the sliding window. */
export const BREAKER_SLICES_MAX = 10
/** Whoever waits for another one's probe asks again after at most this long. */
const PROBE_RECHECK_MS = 1_000
/** Doublings of the time it stays open; the cap applies long before. */
const DOUBLINGS_MAX = 30

export interface BreakerPolicy {
  /** Opens when at least this share of the calls in the window failed, in (0, 1] ... */
  readonly failureRatio: number
  /** ... and there were at least so many. */
  readonly minSamples: number
  readonly windowMs: number
  /** How long it stays open the first time; doubled whenever a probe fails ... */
  readonly openMs: number
  /** ... up to this. */
  readonly openMaxMs: number
  /** Calls in a row that must go well for it to close. */
  readonly probes: number
}

export const DEFAULT_BREAKER: BreakerPolicy = Object.freeze({
  failureRatio: 0.5,
  minSamples: 20,
  windowMs: 10_000,
  openMs: 5_000,
  openMaxMs: 60_000,
  probes: 3,
})

/** Calls that ended within one part of the window. */
export interface BreakerSlice {
  readonly at: number
  readonly ok: number
  readonly failed: number
}

export interface ClosedBreaker {
  readonly state: 'closed'
  /** Ascending in time, at most BREAKER_SLICES_MAX. */
  readonly slices: readonly BreakerSlice[]
}

/** Nothing runs until `until`; from then on it is half-open and probes decide. */
export interface OpenBreaker {
  readonly state: 'open'
  readonly since: number
  readonly until: number
  /** How often it opened without having closed. */
  readonly openings: number
  readonly probesOk: number
  /** When each probe under way began; at most `probes` of them. */
  readonly probing: readonly number[]
}

export type Breaker = ClosedBreaker | OpenBreaker
export type BreakerPhase = 'closed' | 'open' | 'half-open'

/**
 * Calls of handlers, not commands: a batch of 500 that lost its connection is one failure. `failed` are those that ended in a transient
 * exception; everything else is `ok`, also a business no, bad data or a bug, for the other side did answer.
 */
export interface BreakerCalls {
  readonly ok: number
  readonly failed: number
  /** They were let through as probes. Calls from before it opened may end while it is half-open, and say nothing about now. */
  readonly probe: boolean
}

const CLOSED: ClosedBreaker = Object.freeze({ state: 'closed', slices: Object.freeze([]) })

/** Whether an outcome speaks of what the handler depends on rather than of the command. */
export function isBreakerFailure(outcome: Outcome): boolean {
  return outcome.outcome === 'exception' && outcome.fault === 'transient'
}

export function breakerPhase(breaker: Breaker | null, policy: BreakerPolicy, now: number): BreakerPhase {
  if (breaker === null || breaker.state === 'closed') return 'closed'
  return openForMs(breaker, policy, now) > 0 ? 'open' : 'half-open'
}

/** `probe`: one call may find out; whoever means to makes it so by `beginProbe` first. */
export function mayRun(
  breaker: Breaker | null,
  policy: BreakerPolicy,
  now: number,
): 'run' | 'probe' | { readonly waitMs: number } {
  if (breaker === null || breaker.state === 'closed') return 'run'
  const waitMs = openForMs(breaker, policy, now)
  if (waitMs > 0) return { waitMs }
  const probing = probesUnderWay(breaker, policy, now)
  if (breaker.probesOk + probing.length < policy.probes) return 'probe'
  const lostInMs = Math.min(...probing) + policy.openMs - now
  return { waitMs: Math.ceil(Math.min(lostInMs, PROBE_RECHECK_MS)) }
}

/** Takes the place of one probe; a probe that is never heard of again gives it up after `openMs`. */
export function beginProbe(breaker: Breaker, policy: BreakerPolicy, now: number): Breaker {
  if (breaker.state === 'closed') return breaker
  return { ...breaker, probing: [...probesUnderWay(breaker, policy, now), now].slice(-policy.probes) }
}

/** Returns the breaker it was given when there is nothing to write. */
export function recordOutcomes(
  breaker: Breaker | null,
  policy: BreakerPolicy,
  calls: BreakerCalls,
  now: number,
): Breaker {
  const before = breaker ?? CLOSED
  if (calls.ok + calls.failed === 0) return before
  if (before.state === 'closed') return counted(before, policy, calls, now)
  if (!calls.probe || openForMs(before, policy, now) > 0) return before
  return calls.failed > 0 ? opened(policy, before.openings + 1, now) : probed(before, policy, calls.ok)
}

function counted(before: ClosedBreaker, policy: BreakerPolicy, calls: BreakerCalls, now: number): Breaker {
  const last = before.slices.at(-1)
  const at = last === undefined ? now : steadyNow(last.at, now)
  const sliceMs = Math.max(1, Math.ceil(policy.windowMs / BREAKER_SLICES_MAX))
  const sliceAt = Math.floor(at / sliceMs) * sliceMs
  const kept = before.slices.filter((slice) => slice.at > at - policy.windowMs && slice.at <= at)
  // Slices of another window's length may begin within this one.
  const same = (kept.at(-1)?.at ?? 0) >= sliceAt ? kept.pop() : undefined
  const slice = {
    at: same?.at ?? sliceAt,
    ok: (same?.ok ?? 0) + calls.ok,
    failed: (same?.failed ?? 0) + calls.failed,
  }
  const slices = [...kept, slice].slice(-BREAKER_SLICES_MAX)

  const failed = slices.reduce((sum, one) => sum + one.failed, 0)
  const samples = slices.reduce((sum, one) => sum + one.ok + one.failed, 0)
  // The quotient and not `ratio * samples`, which is above 7 for 0.07 of 100.
  if (samples >= policy.minSamples && failed / samples >= policy.failureRatio) return opened(policy, 1, now)
  return { state: 'closed', slices }
}

function probed(before: OpenBreaker, policy: BreakerPolicy, ok: number): Breaker {
  const probesOk = before.probesOk + ok
  return probesOk >= policy.probes ? CLOSED : { ...before, probesOk, probing: before.probing.slice(ok) }
}

function opened(policy: BreakerPolicy, openings: number, now: number): OpenBreaker {
  const openMs = Math.min(policy.openMs * 2 ** Math.min(openings - 1, DOUBLINGS_MAX), policy.openMaxMs)
  return { state: 'open', since: now, until: now + openMs, openings, probesOk: 0, probing: [] }
}

/** 0 = half-open. That is also the answer when the clock went far back, rather than waiting for it to return. */
function openForMs(breaker: OpenBreaker, policy: BreakerPolicy, now: number): number {
  if (steadyNow(breaker.since, now) < breaker.since) return 0
  return Math.min(Math.max(0, Math.ceil(breaker.until - now)), policy.openMaxMs)
}

function probesUnderWay({ probing }: OpenBreaker, policy: BreakerPolicy, now: number): number[] {
  return probing.filter((beganAt) => Math.abs(now - beganAt) < policy.openMs)
}
