// Locations for one test, gone with it: a SQLite file in a temporary folder, a database on a real server.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { requireServer, sharedMariaDb, sharedPostgres } from 'spillway-test-bed'
import { describe, onTestFinished } from 'vitest'

export function temporaryFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'course-platform-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'platform.db')
}

export interface TestEngine {
  readonly name: string
  readonly describe: (name: string, body: () => void) => unknown
  /** Location of an empty database. */
  make(): Promise<string>
  /** URL of the server itself; null where there is none. */
  server(): Promise<string | null>
}

export const ENGINES: readonly TestEngine[] = [
  { name: 'SQLite', describe, make: async () => temporaryFile(), server: async () => null },
  {
    name: 'PostgreSQL',
    describe: requireServer(describe, 'postgres'),
    make: () => databaseOn(sharedPostgres()),
    server: async () => (await sharedPostgres()).url,
  },
  {
    name: 'MySQL',
    describe: requireServer(describe, 'mariadb'),
    make: () => databaseOn(sharedMariaDb()),
    server: async () => (await sharedMariaDb()).url,
  },
]

async function databaseOn(server: ReturnType<typeof sharedPostgres>): Promise<string> {
  const { url, drop } = await (await server).createDatabase()
  onTestFinished(drop)
  return url
}
