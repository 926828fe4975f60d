// A connection of a test's own to a rig's schema: an application's, or another transaction that is in the way.

import pg from 'pg'
import { onTestFinished } from 'vitest'
import type { PostgresRig } from './postgres-rig.js'

/** Unqualified names are found in the rig's schema. Closed when the test ends, with whatever is open in it. */
export async function sessionOn({ url, schema }: Pick<PostgresRig, 'url' | 'schema'>): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  // Some tests end it from the server's side.
  client.on('error', () => {})
  await client.connect()
  onTestFinished(() => client.end())
  await client.query(`set search_path = "${schema}"`)
  return client
}
