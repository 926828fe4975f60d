// The platform behind its HTTP port, as it would run in production: one process with all roles; with a journal one that only takes
// clicks, and the agent beside it.

import { loadCatalogue } from './catalogue.js'
import { startAgent } from './child.js'
import { httpApp } from './http-app.js'
import type { DurablePattern } from './patterns/index.js'
import { openPlatform, type Platform, preparePlatform } from './platform.js'
import type { Site } from './site.js'

export interface ServedPlatform {
  readonly platform: Platform
  /** How its clicks travel. */
  readonly pattern: DurablePattern
  readonly url: string
  readonly courses: number
  close(): Promise<void>
}

const HOST = '127.0.0.1'

export async function servePlatform(
  pattern: DurablePattern,
  site: Site,
  port: number,
): Promise<ServedPlatform> {
  if (pattern.hasAgent) await preparePlatform(site.database)
  const platform = await openPlatform(site.database, await pattern.platform(site))
  const agent = pattern.hasAgent ? startAgent(site) : null
  const catalogue = loadCatalogue()
  const app = httpApp({ platform, catalogue })
  const close = async () => {
    await app.close()
    await platform.close()
    await agent?.stop()
  }
  try {
    const url = await app.listen({ host: HOST, port })
    return { platform, pattern, url, courses: catalogue.courses().length, close }
  } catch (error) {
    await close()
    throw error
  }
}
