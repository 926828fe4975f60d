// Whether a transaction is on the database that the store is in. Another one may have a schema of the same name, and a command
// written there would have a receipt here and a life elsewhere.

import type { Database } from '../database.js'

/** SQL of a text that no other store has: its database, and when it was set up there. */
const IDENTITY = "(select current_database() || ' ' || min(applied_at) from @.migrations)"

/** A condition that is decided before anything behind it is executed. */
export function isStore(parameter: string): string {
  return `${IDENTITY} = ${parameter}::text`
}

/** Asked once. */
export function newIdentity(db: Database): () => Promise<string> {
  let known: string | null = null
  return async () => {
    known ??= await read(db)
    return known
  }
}

async function read(db: Database): Promise<string> {
  const [row] = await db.query<{ identity: string }>(`select ${IDENTITY} as identity`, [])
  return row?.identity ?? ''
}
