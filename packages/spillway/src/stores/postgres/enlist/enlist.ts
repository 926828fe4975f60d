// Writing in the caller's own transaction. Before anything is written it must be certain that one is open: outside of it
// every statement commits by itself, and what the caller rolls back later would stay.

import type { SpillwayError } from '../../../errors/index.js'
import { type Handle, isShape, refusal } from './handle.js'
import { recognise } from './recognise.js'
import type { Runner } from './runner.js'

/**
 * Fails outside a transaction block, in one round trip and without a trace; inside, it holds the weakest lock there is, which every
 * query of that catalog takes as well.
 */
const ONLY_WITHIN = 'lock table pg_catalog.pg_am in access share mode'

const NO_ACTIVE_TRANSACTION = '25P01'
const FAILED_TRANSACTION = '25P02'

/** The way to run statements in the caller's open transaction. Rejects with `invalid_argument` what is none. */
export async function enlist(tx: unknown): Promise<Runner> {
  const handle = await recognise(tx)
  if (!handle.isKnownOpen()) await assertOpen(handle)
  return handle
}

/** For a transaction on which the store's tables are not those of the store. */
export function elsewhere(cause?: unknown): SpillwayError {
  return refusal('a transaction on another database than the store', cause)
}

async function assertOpen(handle: Handle): Promise<void> {
  try {
    await handle.run(ONLY_WITHIN, [])
  } catch (error) {
    throw notOpen(error)
  }
}

/** Trouble of the connection stays what it is. */
function notOpen(error: unknown): unknown {
  const code = isShape(error) ? error.code : undefined
  if (code === NO_ACTIVE_TRANSACTION) return refusal('a connection without an open transaction', error)
  if (code === FAILED_TRANSACTION)
    return refusal('a transaction that has failed already and can only be rolled back', error)
  return error
}
