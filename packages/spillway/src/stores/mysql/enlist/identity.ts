// Whether a transaction is on the database that the store is in. Tables are named without a database, so a connection that uses
// another one would find none, or those of another store: a command written there would have a receipt here and a life elsewhere.

import type { SpillwayError } from '../../../errors/index.js'
import { isShape, refusal } from './handle.js'
import type { Runner } from './runner.js'

/** A text that no other store has: its database, and when it was set up there. */
export const IDENTITY =
  "select concat(database(), ' ', min(applied_at)) as store_identity from spillway_migrations"

/** No database is used, there is no such table in it, or not even in the catalog. */
const NOT_THERE: readonly unknown[] = [1046, 1146, 1109]

/** Throws `invalid_argument` unless the tables of the transaction are those of the store that is `own`. */
export async function assertStore(runner: Runner, own: string): Promise<void> {
  if ((await identityOf(runner)) !== own) throw elsewhere()
}

async function identityOf(runner: Runner): Promise<string> {
  try {
    const { rows } = await runner.run(IDENTITY)
    return String(rows[0]?.store_identity)
  } catch (error) {
    if (isShape(error) && NOT_THERE.includes(error.errno)) throw elsewhere(error)
    throw error
  }
}

function elsewhere(cause?: unknown): SpillwayError {
  return refusal('a transaction on another database than the store', cause)
}
