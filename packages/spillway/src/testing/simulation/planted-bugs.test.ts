import { describe, expect, it } from 'vitest'
import { PLANTED_BUGS } from './bugs/index.js'
import { runCampaign } from './campaign.js'
import type { SeedResult } from './world.js'

/** Of the 4,000 seeds that are run in CI. */
const BUDGET_SEEDS = 600
const TIMEOUT_MS = 300_000

const isClean = ({ violations }: SeedResult): boolean => violations.length === 0

describe('a planted bug is found', () => {
  for (const bug of PLANTED_BUGS) {
    it(`${bug.name}: ${bug.what}`, { timeout: TIMEOUT_MS }, async () => {
      const { failures } = await runCampaign({ from: 1, seeds: BUDGET_SEEDS, bug, onSeed: isClean })
      expect(failures).toHaveLength(1)
    })
  }

  it('in at least 40 kinds, each by a name of its own', () => {
    const names = PLANTED_BUGS.map(({ name }) => name)
    expect(names.length).toBeGreaterThanOrEqual(40)
    expect(new Set(names).size).toBe(names.length)
  })
})
