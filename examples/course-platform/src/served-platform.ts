// The platform behind its HTTP port, as it would run in production: one process with all roles.

import { loadCatalogue } from './catalogue.js'
import { httpApp } from './http-app.js'
import { openPlatform, type Platform } from './platform.js'

export interface ServedPlatform {
  readonly platform: Platform
  readonly url: string
  readonly courses: number
  close(): Promise<void>
}

const HOST = '127.0.0.1'

export async function servePlatform(location: string, port: number): Promise<ServedPlatform> {
  const platform = await openPlatform(location)
  const catalogue = loadCatalogue()
  const app = httpApp({ platform, catalogue })
  const close = async () => {
    await app.close()
    await platform.close()
  }
  try {
    const url = await app.listen({ host: HOST, port })
    return { platform, url, courses: catalogue.courses().length, close }
  } catch (error) {
    await close()
    throw error
  }
}
