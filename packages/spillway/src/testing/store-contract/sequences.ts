// Random sequences for the contract's property when no property-testing library was passed in.

import { seededRandom } from '../seeded-random.js'
import type { ForAll } from './harness.js'

const SEQUENCES = 100
const CHOICES_MAX = 600
const CHOICE_RANGE = 0x1_0000

export const seededSequences: ForAll = async (property) => {
  for (let seed = 1; seed <= SEQUENCES; seed += 1) {
    const random = seededRandom(seed)
    const length = Math.ceil(random() * CHOICES_MAX)
    const choices = Array.from({ length }, () => Math.floor(random() * CHOICE_RANGE))
    try {
      await property(choices)
    } catch (error) {
      throw new Error(`The property fails for the sequence of seed ${seed}.`, { cause: error })
    }
  }
}
