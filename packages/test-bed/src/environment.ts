// The only file of the test bed that reads environment variables, and their names.

import { join } from 'node:path'

const SHARED_HOST = 'SPILLWAY_TEST_BED_SOCKET'

export type DatabaseKind = 'postgres' | 'mariadb'

const SERVER_URLS: Readonly<Record<DatabaseKind, string>> = {
  postgres: 'SPILLWAY_TEST_POSTGRES_URL',
  mariadb: 'SPILLWAY_TEST_MYSQL_URL',
}

/** A server of the contributor's own, to be used instead of a private one. */
export function givenServerUrl(kind: DatabaseKind): string | null {
  return textOf(SERVER_URLS[kind])
}

export function givenServerVariable(kind: DatabaseKind): string {
  return SERVER_URLS[kind]
}

/** Where the test run's shared servers are asked for; null outside a run that shares any. */
export function sharedHostSocket(): string | null {
  return textOf(SHARED_HOST)
}

/** Test processes that start from now on inherit it. */
export function announceSharedHost(socketPath: string): void {
  process.env[SHARED_HOST] = socketPath
}

/** Folders of PATH, in order. */
export function pathFolders(): readonly string[] {
  return (process.env.PATH ?? '').split(':').filter((folder) => folder !== '')
}

/** Where scripts/services keeps what no package has: its own user's folder, or root's for everybody. */
export function cacheFolders(): readonly string[] {
  const home = textOf('HOME')
  const own = textOf('XDG_CACHE_HOME') ?? (home === null ? null : join(home, '.cache'))
  return [...(own === null ? [] : [own]), '/var/cache'].map((folder) => join(folder, 'spillway-test-bed'))
}

/** Continuous integration must have every server: a skipped test there is a failure. */
export function isContinuousIntegration(): boolean {
  const value = process.env.CI ?? ''
  return value !== '' && value !== 'false' && value !== '0'
}

function textOf(name: string): string | null {
  const value = process.env[name] ?? ''
  return value === '' ? null : value
}
