// From what is said about a command, by a worker or by its counterpart, to what its row says.

import { type CommandUpdate, isTerminal, type RowNotes, type Stage } from '../../domain/index.js'
import type { RowContent } from './parked.js'

/** `before`: the stage in which it was tried, and the memo that it keeps when the update does not name one. */
export function contentOf(
  update: Omit<CommandUpdate, 'index'>,
  before: { readonly stage: Stage; readonly memo: string | null },
  now: number,
): RowContent {
  const { state, stage = 'execute', attempts, error, memo = before.memo } = update
  const ended = isTerminal(state)
  return {
    ...{ state, stage, attempts, error, memo },
    nextAt: ended || state === 'blocked' ? null : now + Math.trunc(update.delayMs),
    finishedAt: ended ? now : null,
    result: update.result ?? null,
    orderingKey: update.orderingKey ?? null,
    completion: completionAt(update.completion, now),
    fingerprint: update.fingerprint ?? null,
    tried: update.deferred === true ? null : { at: now, stage: before.stage, ran: update.ran },
  }
}

export function completionAt(completion: RowNotes['completion'], now: number): RowContent['completion'] {
  if (completion === undefined || completion === null) return null
  const { tokenHash, expiresInMs } = completion
  return { tokenHash, expiresAt: now + Math.trunc(expiresInMs) }
}
