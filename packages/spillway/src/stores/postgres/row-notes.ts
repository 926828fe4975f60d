// What a row keeps for the command's next turn, as the store's functions read it: JSON without what is absent.

import type { CommandUpdate, RowNotes } from '../../domain/index.js'

export function rowNotes({ stage, memo, orderingKey, completion, fingerprint }: RowNotes): object {
  return {
    stage,
    // JSON is never empty text: that clears it.
    memo: memo === null ? '' : memo,
    ordering_key: orderingKey ?? undefined,
    token_hash: completion?.tokenHash,
    token_ms: completion ? Math.trunc(completion.expiresInMs) : undefined,
    fingerprint: fingerprint ?? undefined,
  }
}

/** Null where an update has none, which is most of them on a good day. */
export function updateNotes(update: Omit<CommandUpdate, 'index'>): string | null {
  const { ran, deferred } = update
  const notes = { ...rowNotes(update), worker: ran?.workerId, duration: ran?.durationMs, deferred }
  const text = JSON.stringify(notes)
  return text === '{}' ? null : text
}
