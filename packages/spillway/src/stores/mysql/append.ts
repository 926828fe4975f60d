// Storing chunks. Nearly always everything is new and one round trip does it; otherwise it takes a closer look, which another call
// with the same chunk, or a turn of the key tables, may interrupt.

import type { ChunkDraft } from '../../domain/index.js'
import type { AppendResult, AppendTerms } from '../../ports/index.js'
import { appendAtOnce } from './append-at-once.js'
import { newAppendWithin } from './append-within.js'
import { AtomicConflict, lookCloser, overtaken, stoppedByDuplicate } from './closer-look.js'
import { hasConflict } from './drafts.js'
import type { KeyTables } from './key-tables.js'
import { keyRowsOf, windowOf } from './keys.js'
import type { QueueNames } from './queue-names.js'
import type { Session } from './session.js'
import { Stopped } from './stops.js'
import { Hints, type Wake } from './wake.js'

export interface Appender {
  append(
    session: Session,
    wake: Wake,
    drafts: readonly ChunkDraft[],
    terms: AppendTerms,
  ): Promise<readonly AppendResult[]>
  /** The same in the caller's transaction. */
  appendWithin(
    session: Session,
    tx: object,
    drafts: readonly ChunkDraft[],
    atomic: boolean,
  ): Promise<readonly AppendResult[]>
}

const LOOKS_MAX = 10

export function newAppender(tables: KeyTables, queueNames: QueueNames): Appender {
  const appendWithin = newAppendWithin(tables)

  async function look(
    session: Session,
    drafts: readonly ChunkDraft[],
    terms: AppendTerms,
  ): Promise<readonly AppendResult[]> {
    const windowMs = windowOf(keyRowsOf(drafts))
    await tables.stateFor(session, windowMs)
    return session.transaction((transaction) =>
      stoppedByDuplicate(async () => {
        const request = { drafts, terms, windowMs, now: session.now(), widens: false }
        const { results, statements } = await lookCloser(transaction, tables, request)
        if (terms.atomic && results.some(hasConflict)) throw new AtomicConflict(results)
        await transaction.finish(statements)
        return results
      }),
    )
  }

  async function lookUntilUndisturbed(
    session: Session,
    drafts: readonly ChunkDraft[],
    terms: AppendTerms,
  ): Promise<readonly AppendResult[]> {
    for (let looks = 1; ; looks += 1) {
      try {
        return await look(session, drafts, terms)
      } catch (error) {
        if (error instanceof AtomicConflict) return error.results
        if (!(error instanceof Stopped)) throw error
        if (looks >= LOOKS_MAX) throw overtaken(session.place)
        tables.forget()
      }
    }
  }

  return {
    async append(session, wake, drafts, terms) {
      if (drafts.length === 0) return []
      await queueNames.store(session, drafts)
      const results =
        (await appendAtOnce(session, tables, drafts, terms.lease)) ??
        (await lookUntilUndisturbed(session, drafts, terms))
      wake.give(hintsOf(drafts, results))
      return results
    },
    async appendWithin(session, tx, drafts, atomic) {
      if (drafts.length === 0) return []
      await queueNames.store(session, drafts)
      return appendWithin(session, tx, drafts, atomic)
    },
  }
}

function hintsOf(drafts: readonly ChunkDraft[], results: readonly AppendResult[]): Hints {
  const hints = new Hints()
  for (const [place, { queue, size, parked }] of drafts.entries()) {
    if (results[place]?.lease) continue
    const verdicts = results[place]?.verdicts ?? null
    const known = verdicts?.filter(({ status }) => status !== 'accepted').length ?? 0
    if (parked === null && known < size) hints.add(queue, size - known)
  }
  return hints
}
