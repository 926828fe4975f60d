// What the settings of a server mean for what it has confirmed. Redis keeps its data in memory; how much of it survives is up to them.

import { isAtLeast } from '../driver/index.js'
import { incompatible, replyCode } from './failures.js'
import type { Line } from './link.js'
import type { RedisSettings } from './options.js'

export interface ServerSettings {
  readonly version: string
  /** Null where the server does not say: hosted ones often forbid it. */
  readonly appendOnly: boolean | null
  readonly appendFsync: string | null
  readonly evicts: boolean | null
  /** Bytes of one value. */
  readonly bulkBytesMax: number | null
}

/** The first with XAUTOCLAIM, and the first with WAITAOF. */
const VERSION_MIN = [6, 2]
const VERSION_SYNCED_MIN = [7, 2]

export async function readServerSettings(line: Line): Promise<ServerSettings> {
  const info = await line.ask((client) => client.info())
  const [appendFsync, bulkBytes] = await Promise.all([
    setting(line, 'appendfsync'),
    setting(line, 'proto-max-bulk-len'),
  ])
  const aof = infoOf(info, 'aof_enabled')
  const policy = infoOf(info, 'maxmemory_policy')
  return {
    version: infoOf(info, 'redis_version') ?? '0',
    appendOnly: aof === null ? null : aof === '1',
    appendFsync,
    evicts: policy === null ? null : policy !== 'noeviction',
    bulkBytesMax: bulkBytes === null ? null : Number(bulkBytes),
  }
}

/** Throws `broker_incompatible` when the driver cannot work with the server as it is. */
export function checkVersion({ version }: ServerSettings, { isSynced }: RedisSettings): void {
  if (!isAtLeast(version, VERSION_MIN)) throw incompatible(`version ${version}; use 6.2 or later.`)
  if (isSynced && !isAtLeast(version, VERSION_SYNCED_MIN))
    throw incompatible(
      `version ${version} cannot wait for its disk; use 7.2 or later, or leave out 'synced'.`,
    )
}

/** What may be lost that was confirmed, and what to set. */
export function dangers(found: ServerSettings, { isSynced }: RedisSettings): readonly string[] {
  const all = [
    found.appendOnly === false
      ? 'appendonly is no: when the server ends, what it confirmed since its last snapshot is lost. Set appendonly to yes.'
      : null,
    found.appendOnly !== false && !isSynced && found.appendFsync !== null && found.appendFsync !== 'always'
      ? `appendfsync is ${found.appendFsync}: a power cut takes ${lossOf(found.appendFsync)}. Set it to always, or the option synced.`
      : null,
    found.evicts === true
      ? 'maxmemory-policy lets the server throw away messages when it is short of memory. Set it to noeviction.'
      : null,
  ]
  return all.filter((one) => one !== null)
}

function lossOf(appendFsync: string): string {
  return appendFsync === 'everysec' ? 'about a second of what was confirmed' : 'what was confirmed lately'
}

async function setting(line: Line, name: string): Promise<string | null> {
  try {
    const found = await line.ask((client) => client.config('GET', name))
    const value = Array.isArray(found) ? found[1] : (found as Record<string, unknown>)[name]
    return value === undefined ? null : String(value)
  } catch (error) {
    // Unknown or forbidden; anything else is the connection's.
    if (replyCode(error) === null) throw error
    return null
  }
}

function infoOf(info: string, name: string): string | null {
  return new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? null
}
