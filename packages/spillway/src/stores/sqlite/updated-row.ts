// The row of a command after a worker's or a counterpart's word about it.

import { type CommandUpdate, isTerminal, type Stage } from '../../domain/index.js'
import type { ParkedRow } from './parked.js'
import { storedNotes, waitsForTime } from './row-notes.js'

/** What was known of the command before. */
export interface Before extends Pick<ParkedRow, 'chunkId' | 'index' | 'seq' | 'acceptedAt'> {
  readonly memo: string | null
  /** What was done with it. */
  readonly stage: Stage
}

export function updatedRow(before: Before, update: Omit<CommandUpdate, 'index'>, now: number): ParkedRow {
  const { state } = update
  return {
    chunkId: before.chunkId,
    index: before.index,
    seq: before.seq,
    state,
    attempts: update.attempts,
    nextAt: waitsForTime(state) ? now + Math.trunc(update.delayMs) : null,
    acceptedAt: before.acceptedAt,
    finishedAt: isTerminal(state) ? now : null,
    error: update.error,
    result: update.result ?? null,
    trial: update.deferred === true ? null : { stage: before.stage, at: now, ran: update.ran },
    notes: storedNotes(update, before.memo, now),
  }
}
