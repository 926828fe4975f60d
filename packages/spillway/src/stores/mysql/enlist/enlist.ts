// Writing in the caller's own transaction. Before anything is written it must be certain that one is open: outside of it
// every statement commits by itself, and what the caller rolls back later would stay. A savepoint keeps what is written in several
// statements whole: when one of them fails and the caller goes on, none of it may be left.

import { type Handle, isShape, refusal } from './handle.js'
import { recognise } from './recognise.js'
import type { Runner } from './runner.js'

/** Fails when there is no such savepoint: SAVEPOINT outside a transaction is ignored. */
const UNDO = 'rollback to savepoint spillway_submit'

const NO_SUCH_SAVEPOINT = 1305

/**
 * Runs `work` in the caller's open transaction and undoes what it wrote when it throws. Calls on one transaction must follow each
 * other. Rejects with `invalid_argument` what is none.
 */
export async function within<T>(tx: unknown, work: (runner: Runner) => Promise<T>): Promise<T> {
  const handle = await recognise(tx)
  await begin(handle)
  try {
    return await work(handle)
  } catch (error) {
    // After a deadlock the whole transaction is gone, and its savepoint with it.
    await handle.run(UNDO).catch(() => {})
    throw error
  }
}

/** The savepoint stays: the next call replaces it, and the end of the transaction removes it. */
async function begin(handle: Handle): Promise<void> {
  try {
    const isOpen = await handle.savepoint()
    if (isOpen === null) await handle.run(UNDO)
    if (isOpen === false) throw refusal('a connection without an open transaction')
  } catch (error) {
    throw notOpen(error)
  }
}

/** Trouble of the connection stays what it is. */
function notOpen(error: unknown): unknown {
  const isNone = isShape(error) && error.errno === NO_SUCH_SAVEPOINT
  return isNone ? refusal('a connection without an open transaction', error) : error
}
