// The row of a command that does not go straight into a worker's hands: scheduled, or parked by a volatile channel.

import { isTerminal, type ParkedDraft } from '../../domain/index.js'
import type { ParkedRow } from './parked.js'
import { storedNotes, waitsForTime } from './row-notes.js'

export function parkedRow(
  origin: Pick<ParkedRow, 'chunkId' | 'index' | 'seq'>,
  draft: ParkedDraft,
  now: number,
): ParkedRow {
  const { state, attempts, nextAt, error, result = null } = draft
  return {
    ...origin,
    state,
    attempts,
    nextAt: waitsForTime(state) ? Math.trunc(nextAt ?? now) : null,
    acceptedAt: now,
    finishedAt: isTerminal(state) ? now : null,
    error,
    result,
    trial: error === null ? null : { stage: 'execute', at: now, ran: undefined },
    notes: storedNotes(draft, null, now),
  }
}
