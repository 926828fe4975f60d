// What goes wrong, and how often. Every seed draws its own rates, and often draws none of a kind: rare faults show their
// consequences only when nothing else drowns them.

import type { Dice } from './dice.js'

export interface FaultRates {
  /** Per store call: it fails before anything happened; happens and fails all the same; or fails and happens later. */
  readonly failBefore: number
  readonly failAfter: number
  readonly failEarly: number
  /** Per store call: the request, or the answer, takes up to `slowMsMax`. */
  readonly slow: number
  readonly slowMsMax: number
  /** Per store call: the caller dies before it is sent, or before its answer arrives. */
  readonly crashBefore: number
  readonly crashAfter: number
  /** Per store call: the caller is stopped while the call is under way. */
  readonly pauseDuring: number
  /** Per wake-up and listener. */
  readonly wakeLost: number
  /** Means, over all processes; Infinity = never. */
  readonly crashEveryMs: number
  readonly pauseEveryMs: number
  readonly cutEveryMs: number
  readonly stopEveryMs: number
  readonly restartStoreEveryMs: number
}

export const NO_FAULTS: FaultRates = {
  failBefore: 0,
  failAfter: 0,
  failEarly: 0,
  slow: 0,
  slowMsMax: 0,
  crashBefore: 0,
  crashAfter: 0,
  pauseDuring: 0,
  wakeLost: 0,
  crashEveryMs: Number.POSITIVE_INFINITY,
  pauseEveryMs: Number.POSITIVE_INFINITY,
  cutEveryMs: Number.POSITIVE_INFINITY,
  stopEveryMs: Number.POSITIVE_INFINITY,
  restartStoreEveryMs: Number.POSITIVE_INFINITY,
}

export function drawFaults(dice: Dice, leaseMs: number): FaultRates {
  const rate = (max: number): number => (dice.chance(0.4) ? 0 : dice.random() * max)
  const every = (min: number, max: number): number =>
    dice.chance(0.35) ? Number.POSITIVE_INFINITY : dice.between(min, max)
  return {
    failBefore: rate(0.08),
    failAfter: rate(0.08),
    failEarly: rate(0.05),
    slow: rate(0.06),
    slowMsMax: dice.between(50, leaseMs * 2.5),
    crashBefore: rate(0.01),
    crashAfter: rate(0.01),
    pauseDuring: rate(0.01),
    wakeLost: rate(1),
    crashEveryMs: every(600, 4_000),
    pauseEveryMs: every(600, 4_000),
    cutEveryMs: every(400, 2_000),
    stopEveryMs: every(1_500, 6_000),
    restartStoreEveryMs: every(1_500, 6_000),
  }
}

/** When a call fails: before anything happened, after it did, or while it is still on its way. */
export type Failure = 'before' | 'after' | 'early'

/** What happens to one call. */
export interface CallPlan {
  readonly requestMs: number
  readonly answerMs: number
  readonly fail: Failure | null
  readonly crash: 'before' | 'after' | null
  readonly pause: boolean
}

const NETWORK_MS_MAX = 3

export function planCall(rates: FaultRates, dice: Dice): CallPlan {
  const { slow, slowMsMax } = rates
  const fail = drawFailure(rates, dice.random())
  const isSlow = (): boolean => slow > 0 && dice.chance(slow / 2)
  return {
    requestMs: dice.between(0, fail === 'early' || isSlow() ? slowMsMax : NETWORK_MS_MAX),
    answerMs: dice.between(0, isSlow() ? slowMsMax : NETWORK_MS_MAX),
    fail,
    crash: drawCrash(rates, dice.random()),
    pause: dice.chance(rates.pauseDuring),
  }
}

function drawFailure({ failBefore, failAfter, failEarly }: FaultRates, drawn: number): Failure | null {
  if (drawn < failBefore) return 'before'
  if (drawn < failBefore + failAfter) return 'after'
  return drawn < failBefore + failAfter + failEarly ? 'early' : null
}

function drawCrash({ crashBefore, crashAfter }: FaultRates, drawn: number): CallPlan['crash'] {
  if (drawn < crashBefore) return 'before'
  return drawn < crashBefore + crashAfter ? 'after' : null
}
