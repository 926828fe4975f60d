// What a command type says about bad days, as its user writes it and as `decide` reads it: retries and their exceptions,
// reconciliation, compensation, and what keeps a failing counterpart from being hammered.

import {
  type Backoff,
  type BadDayPolicy,
  type BreakerPolicy,
  DEFAULT_BREAKER,
  DEFAULT_RETRY_BUDGET,
  type RetryBudgetPolicy,
  type RetryPolicy,
  type Tries,
} from '../domain/index.js'
import { configError, type Duration, durationMs } from './duration.js'
import { wholeNumber } from './numbers.js'

export interface BackoffOptions {
  type?: 'exponential' | 'fixed'
  delay?: Duration
  max?: Duration
  jitter?: 'full' | 'none'
}

export interface TriesOptions {
  /** In all. */
  attempts?: number
  backoff?: BackoffOptions
}

export interface RetryOverride extends TriesOptions {
  /** The error's code, a pattern its message has, or a function of what was thrown. The first override that fits counts. */
  when: string | RegExp | ((error: unknown) => boolean)
}

export interface RetryOptions {
  /** Executions in all, the first included. Default 5. */
  attempts?: number
  backoff?: BackoffOptions
  /** No retry starts later than this after acceptance. */
  deadline?: Duration
  /** Other attempts and backoff for errors that fit. */
  overrides?: RetryOverride[]
  /** At most this share of all executions, beyond `minPerSecond`, may be retries; further ones wait longer. Default: no budget. */
  budget?: { ratio?: number; minPerSecond?: number }
}

export interface CompensationOptions extends TriesOptions {
  /** Whether exhausted commands are undone as well, not only refused ones. Default false: they wait for somebody as dead letters. */
  onDead?: boolean
}

export interface BreakerOptions {
  /** Share of executions that fail transiently, of at least `minSamples` within `window`, at which it opens. Default 0.5 of 20 in 10 s. */
  failureRatio?: number
  minSamples?: number
  window?: Duration
  /** How long it stays open: at first, and at most after doubling. Default 5 s and 1 min. */
  open?: Duration
  openMax?: Duration
  /** Executions in a row that must succeed before it closes again. Default 3. */
  probes?: number
}

/** The rest of the policy is not the user's to say. */
export type ResolvedRetryBudget = Pick<RetryBudgetPolicy, 'ratio' | 'minPerSecond'>

export type ErrorMatcher = RetryOverride['when']

export interface BadDayOptions {
  retry?: RetryOptions | undefined
  reconciliation?: TriesOptions | undefined
  compensation?: CompensationOptions | undefined
  onFailed?: 'final' | 'retry' | undefined
  pollEvery?: Duration | undefined
}

const RETRY = { attempts: 5, delay: '1s', max: '10m' } as const
/** Answers about what happened come sooner than the thing itself gets repaired, and undoing must not be given up lightly. */
const RECONCILIATION = { attempts: 10, delay: '1s', max: '5m' } as const
const COMPENSATION = { attempts: 10, delay: '1s', max: '10m' } as const

interface Defaults {
  readonly attempts: number
  readonly delay: Duration
  readonly max: Duration
}

/** `reconciles`, `compensates`, `polls`: whether the type has the functions for it. */
export function badDayPolicy(
  options: BadDayOptions,
  has: { readonly reconciles: boolean; readonly compensates: boolean; readonly polls: boolean },
  path: string,
): BadDayPolicy {
  const { retry = {}, compensation = {}, onFailed = 'final' } = options
  if (onFailed !== 'final' && onFailed !== 'retry')
    throw configError(`${path}: onFailed`, "'final' or 'retry'", onFailed)
  return {
    retry: retryPolicy(retry, `${path}: retry`),
    reconciliation: has.reconciles
      ? triesOf(options.reconciliation ?? {}, RECONCILIATION, `${path}: reconciliation`)
      : null,
    compensates: has.compensates,
    compensation: {
      ...triesOf(compensation, COMPENSATION, `${path}: compensation`),
      onDead: compensation.onDead ?? false,
    },
    onFailed,
    pollEveryMs: has.polls ? durationMs(options.pollEvery ?? '10s', `${path}: poll.every`) : null,
  }
}

export function breakerOf(options: BreakerOptions | boolean | undefined, path: string): BreakerPolicy | null {
  if (options === undefined || options === false) return null
  const given = options === true ? {} : options
  return {
    failureRatio: ratio(given.failureRatio ?? DEFAULT_BREAKER.failureRatio, `${path}.failureRatio`),
    minSamples: wholeNumber(
      given.minSamples ?? DEFAULT_BREAKER.minSamples,
      1,
      1_000_000,
      `${path}.minSamples`,
    ),
    windowMs: positive(given.window ?? DEFAULT_BREAKER.windowMs, `${path}.window`),
    openMs: positive(given.open ?? DEFAULT_BREAKER.openMs, `${path}.open`),
    openMaxMs: positive(given.openMax ?? DEFAULT_BREAKER.openMaxMs, `${path}.openMax`),
    probes: wholeNumber(given.probes ?? DEFAULT_BREAKER.probes, 1, 1_000, `${path}.probes`),
  }
}

export function retryBudgetOf(budget: RetryOptions['budget'], path: string): ResolvedRetryBudget | null {
  if (budget === undefined) return null
  const minPerSecond = budget.minPerSecond ?? DEFAULT_RETRY_BUDGET.minPerSecond
  if (typeof minPerSecond !== 'number' || !(minPerSecond >= 0))
    throw configError(`${path}.minPerSecond`, 'a number of at least 0', minPerSecond)
  return { ratio: ratio(budget.ratio ?? DEFAULT_RETRY_BUDGET.ratio, `${path}.ratio`), minPerSecond }
}

export function matchersOf({ overrides = [] }: RetryOptions, path: string): readonly ErrorMatcher[] {
  return overrides.map(({ when }, at) => {
    if (typeof when === 'string' || typeof when === 'function' || when instanceof RegExp) return when
    throw configError(`${path}.overrides[${at}].when`, 'an error code, a RegExp or a function', when)
  })
}

function retryPolicy(retry: RetryOptions, path: string): RetryPolicy {
  return {
    ...triesOf(retry, RETRY, path),
    deadlineMs: retry.deadline === undefined ? null : durationMs(retry.deadline, `${path}.deadline`),
    overrides: (retry.overrides ?? []).map((override, at) =>
      triesOf(override, { ...RETRY, attempts: retry.attempts ?? RETRY.attempts }, `${path}.overrides[${at}]`),
    ),
  }
}

function triesOf(options: TriesOptions, defaults: Defaults, path: string): Tries {
  const attempts = wholeNumber(options.attempts ?? defaults.attempts, 1, 1_000, `${path}.attempts`)
  return { attempts, backoff: backoffOf(options.backoff ?? {}, defaults, `${path}.backoff`) }
}

function backoffOf(backoff: BackoffOptions, defaults: Defaults, path: string): Backoff {
  return {
    type: backoff.type ?? 'exponential',
    delayMs: durationMs(backoff.delay ?? defaults.delay, `${path}.delay`),
    maxMs: durationMs(backoff.max ?? defaults.max, `${path}.max`),
    jitter: backoff.jitter ?? 'full',
  }
}

function ratio(value: unknown, path: string): number {
  if (typeof value !== 'number' || !(value > 0 && value <= 1))
    throw configError(path, 'a number above 0, at most 1', value)
  return value
}

function positive(value: Duration, path: string): number {
  const ms = durationMs(value, path)
  if (ms < 1) throw configError(path, 'at least 1 ms', value)
  return ms
}
