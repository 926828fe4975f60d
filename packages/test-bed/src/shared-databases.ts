// The databases tests share by default: of the contributor's own server where a URL is given, else of the one private
// server of this test run, without fsync.

import type { Databases, TestDatabase } from './databases.js'
import { type DatabaseKind, givenServerUrl, sharedHostSocket } from './environment.js'
import { createMariaDbDatabase } from './mariadb.js'
import { createPostgresDatabase } from './postgres.js'
import { askSharedHost, SharedServers } from './shared-host.js'

type Create = (url: string, name?: string) => Promise<TestDatabase>

const known = new Map<DatabaseKind, Promise<Databases>>()
/** For programs outside a test run: their own, ended with them. */
const ownServers = new SharedServers()

export function sharedPostgres(): Promise<Databases> {
  return shared('postgres', createPostgresDatabase)
}

export function sharedMariaDb(): Promise<Databases> {
  return shared('mariadb', createMariaDbDatabase)
}

function shared(kind: DatabaseKind, create: Create): Promise<Databases> {
  const databases = known.get(kind) ?? find(kind, create)
  known.set(kind, databases)
  return databases
}

async function find(kind: DatabaseKind, create: Create): Promise<Databases> {
  const socketPath = sharedHostSocket()
  const url =
    givenServerUrl(kind) ??
    (socketPath === null ? await ownServers.url(kind) : await askSharedHost(socketPath, kind))
  return { url, createDatabase: (name) => create(url, name) }
}
