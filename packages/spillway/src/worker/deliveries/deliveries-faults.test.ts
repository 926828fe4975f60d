import { describe, expect, it } from 'vitest'
import { FLAWS } from '../../../test/worker/deliveries-flaws.js'
import { type Flaw, Storm } from '../../../test/worker/deliveries-storm.js'
import { range } from '../../../test/worker/worker-kit.js'

const SEEDS = 30

describe('whatever fails', () => {
  it.each(range(SEEDS))(
    'nothing is acknowledged before the store has it, and every message is settled once (seed %i)',
    async (seed) => {
      expect(await new Storm(seed).run()).toEqual([])
    },
  )
})

describe('a planted flaw is found', () => {
  it.each(FLAWS)('$name', async (flaw) => {
    expect(await foundBy(flaw)).toBeLessThan(SEEDS)
  })
})

/** The first seed that notices. */
async function foundBy(flaw: Flaw): Promise<number> {
  let seed = 0
  while (seed < SEEDS && (await new Storm(seed, flaw).run()).length === 0) seed += 1
  return seed
}
