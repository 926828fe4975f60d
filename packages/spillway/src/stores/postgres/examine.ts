// What the doctor asks this store: how the server is set, and what stands between it and this process.

import { encryption, type Finding, fine } from '../../ports/index.js'
import type { Access } from './access.js'
import type { Pause } from './machine.js'
import type { PostgresSettings } from './options.js'
import { betweenFindings, lookBetween } from './pooler.js'
import { readServer } from './server-facts.js'
import { serverFindings } from './server-findings.js'

export async function examine(
  settings: PostgresSettings,
  { connections, statements }: Pick<Access, 'connections' | 'statements'>,
  { pause, now }: { readonly pause: Pause; readonly now: () => number },
): Promise<readonly Finding[]> {
  try {
    const { facts, way } = await connections.alone(async (client) => ({
      facts: await readServer(client, statements),
      way: encryption(Boolean(client.ssl), client.host),
    }))
    const readAt = now()
    const between = await lookBetween(settings, { connections, pause })
    return [
      fine('server', connections.where),
      way,
      ...serverFindings(facts, settings, readAt),
      ...betweenFindings(between, settings.prepare),
    ]
  } catch (error) {
    throw connections.errorOf(error)
  }
}
