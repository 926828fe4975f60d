// The database file of a SQLite store: its engine, its rights, its room.

import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Store } from '../../ports/index.js'
import { type Finding, failure, fine, warning } from '../../ports/index.js'
import { loadSqlite, type SqliteStore } from '../../stores/sqlite/index.js'

const MIB = 1024 * 1024
const FREE_BYTES_FAIL = 64 * MIB
const FREE_BYTES_WARN = 1024 * MIB
/** Anybody on the machine may write. */
const OTHERS_WRITE = 0o002

export function isSqlite(store: Store): store is SqliteStore {
  return store.name === 'sqlite' && 'path' in store && typeof store.path === 'string'
}

export async function checkFile({ path, synchronous }: SqliteStore): Promise<Finding[]> {
  const file = resolve(path)
  return [await checkEngine(), checkRights(file), checkSynchronous(synchronous), checkRoom(file)]
}

async function checkEngine(): Promise<Finding> {
  const client = await loadSqlite()
  const db = new client.DatabaseSync(':memory:')
  try {
    const { version } = db.prepare('select sqlite_version() as version').get() as { version: string }
    return fine('sqlite', `version ${version}`)
  } finally {
    db.close()
  }
}

function checkRights(file: string): Finding {
  const folder = dirname(file)
  const existing = [folder, file].filter((path) => existsSync(path))
  for (const path of existing) {
    try {
      accessSync(path, constants.R_OK | constants.W_OK)
    } catch {
      return failure('file', `${path} cannot be written`, 'Give this user the right to read and write it.')
    }
  }
  if (!existing.includes(file))
    return warning('file', `${file} does not exist yet`, 'Create it: spillway migrate')
  if ((statSync(file).mode & OTHERS_WRITE) !== 0) {
    return warning('file', `${file} can be written by everybody`, `Take the right away: chmod o-w ${file}`)
  }
  return fine('file', file)
}

function checkSynchronous(synchronous: string): Finding {
  if (synchronous === 'full') return fine('synchronous', 'full: a receipt survives a power cut')
  return warning(
    'synchronous',
    `${synchronous}: a power cut may take the last receipts`,
    "Leave it out, or set it to 'full', unless that is meant.",
  )
}

function checkRoom(file: string): Finding {
  const { bavail, bsize } = statfsSync(nearestFolder(dirname(file)))
  const free = bavail * bsize
  const detail = `${Math.floor(free / MIB)} MiB free`
  if (free < FREE_BYTES_FAIL) return failure('disk', detail, 'Make room: a full disk refuses every command.')
  return free < FREE_BYTES_WARN
    ? warning('disk', detail, 'Make room before it is needed.')
    : fine('disk', detail)
}

/** The database's folder is only made when it is migrated. */
function nearestFolder(folder: string): string {
  return existsSync(folder) ? folder : nearestFolder(dirname(folder))
}
