// Storing chunks in the caller's own transaction. Nobody is woken, since it may yet roll back; what the store remembers from it may
// never have been.

import type { ChunkDraft } from '../../domain/index.js'
import { type AppendResult, appendTerms } from '../../ports/index.js'
import { AtomicConflict, lookCloser, overtaken, stoppedByDuplicate } from './closer-look.js'
import type { Connection } from './connection.js'
import { hasConflict } from './drafts.js'
import { assertStore, IDENTITY, type Runner, type RunResult, within } from './enlist/index.js'
import { storeError } from './errors.js'
import type { KeyTables } from './key-tables.js'
import { keyRowsOf, windowOf } from './keys.js'
import { select } from './select.js'
import type { Session } from './session.js'
import { Stopped } from './stops.js'

export type AppendWithin = (
  session: Session,
  tx: object,
  drafts: readonly ChunkDraft[],
  atomic: boolean,
) => Promise<readonly AppendResult[]>

const PLAIN = appendTerms()

export function newAppendWithin(tables: KeyTables): AppendWithin {
  /** Transactions that share the ring's row already, through a submit before. */
  const sharing = new WeakSet<object>()
  let identity: string | null = null

  async function identityOf(session: Session): Promise<string> {
    if (identity !== null) return identity
    const [row] = await select<{ store_identity: string }>(session, IDENTITY)
    identity = String(row?.store_identity)
    return identity
  }

  const append: AppendWithin = async (session, tx, drafts, atomic) => {
    const windowMs = windowOf(keyRowsOf(drafts))
    const own = await identityOf(session)
    // From outside, the ring could not be widened any more against this transaction's own lock.
    const widens = sharing.has(tx)
    if (!widens) await tables.stateFor(session, windowMs)
    return within(tx, (runner) =>
      stoppedByDuplicate(async () => {
        await assertStore(runner, own)
        const connection = overRunner(runner)
        sharing.add(tx)
        const request = { drafts, terms: PLAIN, windowMs, now: session.now(), widens }
        const { results, statements } = await lookCloser(connection, tables, request)
        if (atomic && results.some(hasConflict)) throw new AtomicConflict(results)
        await connection.send(statements)
        return results
      }),
    )
  }

  return async (session, tx, drafts, atomic) => {
    try {
      return await append(session, tx, drafts, atomic)
    } catch (error) {
      if (error instanceof AtomicConflict) return error.results
      throw error instanceof Stopped ? overtaken(session.place) : storeError(error, session.place)
    } finally {
      tables.forget()
    }
  }
}

function overRunner(runner: Runner): Connection {
  return {
    async send(statements) {
      const results: RunResult[] = []
      for (const statement of statements) results.push(await runner.run(statement))
      return results
    },
  }
}
