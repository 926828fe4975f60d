// Finds the servers' programs. Debian keeps those of PostgreSQL out of PATH, one folder per major version, and the
// system folders are not in everybody's PATH.

import { accessSync, constants, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathFolders } from './environment.js'
import { findKafkaJars } from './kafka-jars.js'

const SYSTEM_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin', '/usr/bin']
/** Debian's programs elsewhere insist on changing the user by themselves. */
const RABBITMQ_FOLDER = '/usr/lib/rabbitmq/bin'
const POSTGRES_VERSIONS = '/usr/lib/postgresql'

export type ServerKind =
  | 'postgres'
  | 'mariadb'
  | 'pgbouncer'
  | 'redis'
  | 'rabbitmq'
  | 'nats'
  | 'kafka'
  | 'openssl'

const PROGRAMS: Readonly<Record<ServerKind, readonly string[]>> = {
  postgres: ['initdb', 'postgres'],
  mariadb: ['mariadb-install-db', 'mariadbd'],
  pgbouncer: ['pgbouncer'],
  redis: ['redis-server'],
  rabbitmq: ['rabbitmq-server', 'erl'],
  nats: ['nats-server'],
  kafka: ['java'],
  openssl: ['openssl'],
}

/** The path of a program; throws with what to install when there is none. */
export function program(kind: ServerKind, name: string): string {
  const path = findProgram(name)
  if (path === null) throw new Error(missingMessage(kind, name))
  return path
}

/** Why private servers of this kind cannot be started here, or null when they can. */
export function missingServer(kind: ServerKind): string | null {
  if (process.platform !== 'linux') return `private ${kind} servers need Linux`
  const missing = PROGRAMS[kind].find((name) => findProgram(name) === null)
  if (missing !== undefined) return missingMessage(kind, missing)
  return kind === 'kafka' && findKafkaJars() === null ? missingMessage(kind, 'the broker of Kafka') : null
}

function findProgram(name: string): string | null {
  const folders = [RABBITMQ_FOLDER, ...pathFolders(), ...postgresFolders(), ...SYSTEM_FOLDERS]
  return folders.map((folder) => join(folder, name)).find(isExecutable) ?? null
}

/** Newest version first. */
function postgresFolders(): readonly string[] {
  try {
    const versions = readdirSync(POSTGRES_VERSIONS).filter((name) => /^\d+$/.test(name))
    return versions
      .sort((a, b) => Number(b) - Number(a))
      .map((version) => join(POSTGRES_VERSIONS, version, 'bin'))
  } catch {
    return []
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function missingMessage(kind: ServerKind, name: string): string {
  return `${name} is not installed: run scripts/services install ${kind}`
}
