// Many scripts, by seed, and every image of each of them judged.

import type { Files } from '../../ports/index.js'
import { seededRandom } from '../seeded-random.js'
import { checkImage } from './check-image.js'
import { JournalLife } from './journal-life.js'
import type { PlantedBug } from './planted-bugs.js'

export interface CampaignOptions {
  readonly firstSeed: number
  /** Stops after the script that makes so many. */
  readonly imagesMax: number
  readonly bug?: PlantedBug
}

export interface CampaignResult {
  readonly images: number
  readonly seeds: number
  /** Of the first script with any: where the campaign stopped. */
  readonly violations: readonly string[]
}

export async function runCampaign({ firstSeed, imagesMax, bug }: CampaignOptions): Promise<CampaignResult> {
  let images = 0
  let seed = firstSeed
  for (; images < imagesMax; seed += 1) {
    const found: string[] = []
    const random = seededRandom(seed)
    const reading = bug?.reading ?? ((files: Files): Files => files)
    const life: JournalLife = new JournalLife(seed, bug ?? null, async (image) => {
      images += 1
      for (const violation of await checkImage(image, {
        facts: life.facts,
        level: life.level,
        random,
        reading,
      }))
        found.push(`after change ${image.at}: ${violation}`)
    })
    await life.run()
    const violations = [...life.violations, ...found].map((violation) => `seed ${seed}, ${violation}`)
    if (violations.length > 0) return { images, seeds: seed - firstSeed + 1, violations }
  }
  return { images, seeds: seed - firstSeed, violations: [] }
}
