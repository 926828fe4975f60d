// The patterns that bring clicks to the database by way of something else, a journal or a broker. The database alone cannot say that
// none are left on the way, so whoever waits for them counts rows.

import { setTimeout as sleep } from 'node:timers/promises'
import { openPlatform, type PlatformOptions } from '../platform.js'
import type { Site } from '../site.js'
import type { DurablePattern, Pattern, RunningPattern } from './pattern.js'
import { submitting } from './queued.js'

const POLL_MS = 10

export function carried(
  way: Pick<Pattern, 'name' | 'summary' | 'broker' | 'hasAgent'>,
  platform: (site: Site) => Promise<PlatformOptions>,
): DurablePattern {
  return { ...way, platform, open: async (site) => openCarried(site, await platform(site)) }
}

async function openCarried(site: Site, options: PlatformOptions): Promise<RunningPattern> {
  const platform = await openPlatform(site.database, options)
  const { record, close } = submitting(platform)
  let recorded = 0
  return {
    close,
    async record(click) {
      await record(click)
      recorded += 1
    },
    async settled() {
      while ((await platform.tables.countLanded()) < recorded) await sleep(POLL_MS)
    },
  }
}

/** The URL of a pattern that was given a broker. */
export function brokerOf({ broker }: Site): string {
  if (broker === null) throw new Error('this pattern needs a broker')
  return broker
}
