// The databases tests share by default: of the contributor's own server where a URL is given, else of the one private
// server of this test run, without fsync.

import type { Databases, TestDatabase } from './databases.js'
import { type DatabaseKind, givenServerUrl } from './environment.js'
import { createMariaDbDatabase } from './mariadb.js'
import { createPostgresDatabase } from './postgres.js'
import { sharedServerUrl } from './shared-servers.js'

type Create = (url: string, name?: string) => Promise<TestDatabase>

const known = new Map<DatabaseKind, Promise<Databases>>()

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
  const url = givenServerUrl(kind) ?? (await sharedServerUrl(kind))
  return { url, createDatabase: (name) => create(url, name) }
}
