// What a command's payload makes its handler do. The act is in the payload, so every execution of the command, in
// whatever process and attempt, plays the same part.

import type { Dice } from './dice.js'

export const ACTS = [
  /** Succeeds, with or without a value, at once or after a while. */
  'ok',
  'value',
  'slow',
  /** Throws for itself alone, in every attempt: a batch with it is bisected. */
  'poison',
  /** Throws something transient, or asks for a retry, in the first `times` attempts. */
  'flaky',
  'again',
  /** A business no. */
  'refuse',
  /** Throws something that no retry changes. */
  'broken',
  /** Never returns, whatever its signal says; or only when its signal aborts. In the first `times` attempts. */
  'hang',
  'stall',
  /** Kills its process, in every attempt or in the first `times`. */
  'crash',
  'crash-some',
  /** Returns one outcome too few, in the first `times` attempts; of one command that is no value, which is fine. */
  'short',
  /** Is done, and its answer gets lost; or says that nobody knows. In the first `times` attempts. */
  'lost',
  'unknown',
  /** Waits for its counterpart, which answers in its own `way`. In the first `times` attempts, or in all if that answers. */
  'pending',
] as const
export type Act = (typeof ACTS)[number]

/** How a counterpart answers: in time, and once; or with everything that can go wrong about that. */
export const WAYS = [
  'answers',
  'twice',
  'early',
  'late',
  'never',
  'refuses',
  'again',
  'wrong token',
  'does not know',
] as const
export type Way = (typeof WAYS)[number]

export interface ActPayload {
  /** The command's number: no two different commands have the same. */
  readonly n: number
  readonly act: Act
  readonly times: number
  readonly ms: number
  readonly way: Way
  /** Ordering key. */
  readonly line: string
}

/** How often each act is played; bad ones are rare enough for most of a batch to be good. */
const WEIGHTS: Readonly<Record<Act, number>> = {
  ok: 40,
  value: 10,
  slow: 16,
  poison: 3,
  flaky: 6,
  again: 4,
  refuse: 4,
  broken: 1,
  hang: 1,
  stall: 1.5,
  crash: 1,
  'crash-some': 1.5,
  short: 1.5,
  lost: 4,
  unknown: 3,
  pending: 7,
}

/** Where effects belong to the settlement, nobody else can do the work or lose the answer about it. */
const ONLY_OUTSIDE: readonly Act[] = ['lost', 'pending']
const WEIGHTS_INSIDE = { ...WEIGHTS, ...Object.fromEntries(ONLY_OUTSIDE.map((act) => [act, 0])) }

export interface ActOptions {
  readonly slowMsMax: number
  /** Whether the effect is somewhere outside. */
  readonly isOutside: boolean
}

export function drawAct(n: number, dice: Dice, { slowMsMax, isOutside }: ActOptions): ActPayload {
  return {
    n,
    act: dice.weighted(isOutside ? WEIGHTS : WEIGHTS_INSIDE),
    times: dice.whole(1, 2),
    ms: dice.whole(5, slowMsMax),
    way: dice.pick(WAYS),
    line: `line-${dice.whole(1, 4)}`,
  }
}

/** Whether the act still misbehaves in this attempt. */
export function misbehaves({ act, times }: ActPayload, attempt: number): boolean {
  switch (act) {
    case 'poison':
    case 'broken':
    case 'crash':
    case 'refuse':
      return true
    case 'flaky':
    case 'again':
    case 'hang':
    case 'stall':
    case 'crash-some':
    case 'short':
    case 'lost':
    case 'unknown':
    case 'pending':
      return attempt <= times
    default:
      return false
  }
}
