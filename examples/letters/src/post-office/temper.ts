// What goes wrong with an order at the post office: decided by its number alone, so that it goes wrong in the same way
// however often it is tried.

import { chance } from '../chance.js'

export type Temper =
  | 'prompt'
  /** A business no, at once or by a later answer. */
  | 'refuses'
  | 'refusesLater'
  /** The letter is printed, but the caller never hears of it. */
  | 'printsAndStalls'
  | 'printsAndHangsUp'
  /** Nothing is printed the first time. */
  | 'hangsUp'
  | 'isBusy'
  /** Accepted with 202; printed and answered later, in time, too late, twice or never. */
  | 'answersLater'
  | 'answersLate'
  | 'answersTwice'
  | 'neverAnswers'
  /** Never printed, however often it is tried. */
  | 'isBroken'

const SHARES: readonly (readonly [Temper, number])[] = [
  ['refuses', 0.04],
  ['refusesLater', 0.02],
  ['printsAndStalls', 0.03],
  ['printsAndHangsUp', 0.04],
  ['hangsUp', 0.04],
  ['isBusy', 0.03],
  ['answersLater', 0.06],
  ['answersLate', 0.02],
  ['answersTwice', 0.03],
  ['neverAnswers', 0.01],
  ['isBroken', 0.01],
]

export function temperOf(seed: number, orderId: string): Temper {
  let left = chance(seed, 'temper', orderId)
  for (const [temper, share] of SHARES) {
    if (left < share) return temper
    left -= share
  }
  return 'prompt'
}
