import { describe, expect, it } from 'vitest'
import { PLANTED_BUGS, runCampaign } from './index.js'

/** Together 20,000 images. */
const PARTS = [1, 2, 3, 4]
const IMAGES_PER_PART = 5_000
const SEEDS_PER_PART = 1_000_000
/** What a planted bug must be found within. */
const IMAGES_PER_BUG = 10_000
/** Seconds on a quiet machine; a busy one takes its time. */
const TIMEOUT_MS = 120_000

describe('a journal whose disk may die after every change', { timeout: TIMEOUT_MS }, () => {
  it.each(PARTS)(
    'recovers from its images: nothing lost, invented, out of order or hidden (part %i)',
    async (part) => {
      const firstSeed = part * SEEDS_PER_PART
      const { images, violations } = await runCampaign({ firstSeed, imagesMax: IMAGES_PER_PART })
      expect(violations).toEqual([])
      expect(images).toBeGreaterThanOrEqual(IMAGES_PER_PART)
    },
  )

  it.each(PLANTED_BUGS)('would notice a journal that $name', async (bug) => {
    const { violations } = await runCampaign({ firstSeed: 1, imagesMax: IMAGES_PER_BUG, bug })
    expect(violations).not.toEqual([])
  })
})
