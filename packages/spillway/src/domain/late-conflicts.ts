// A command that was acknowledged before anybody could look at its idempotency key, and then turns out to conflict with an earlier one: its
// caller was promised that it is kept, so it is, as a failed one, in a chunk of its own. The chunk's id follows from the first one's, so that
// whoever meets the conflict again stores it once.

import { createHash } from 'node:crypto'
import type { ChunkDraft, ParkedDraft } from './chunk.js'
import { commandId, parseCommandId } from './ids.js'
import type { AppendVerdict } from './receipt.js'

/** Hex digits of a UUID that say when it was made. */
const TIME_DIGITS = 12

/** Null when no command of the draft conflicts. The others are absent from the chunk, so that every command keeps its index. */
export function lateConflicts(
  draft: ChunkDraft,
  verdicts: readonly AppendVerdict[] | null,
): ChunkDraft | null {
  const parked = (verdicts ?? []).map((verdict, index) =>
    verdict.status === 'conflict' ? refusedRow(draft.id, index, verdict.id) : null,
  )
  if (parked.every((row) => row === null)) return null
  return { ...draft, id: conflictsId(draft.id), partition: null, keys: null, parked }
}

/** Under which id a command is found that turned out to conflict; null when the text is no command id. */
export function lateConflictId(id: string): string | null {
  const ref = parseCommandId(id)
  return ref === null ? null : commandId(conflictsId(ref.chunkId), ref.index)
}

function refusedRow(chunkId: string, index: number, firstId: string): ParkedDraft {
  return {
    state: 'failed',
    nextAt: null,
    attempts: 0,
    error: {
      code: 'idempotency_conflict',
      message: `Command ${chunkId}-${index} has the idempotency key of ${firstId} and another payload; it was not executed.`,
    },
  }
}

/** A UUIDv7 of the same time. */
function conflictsId(chunkId: string): string {
  const digits = createHash('sha256').update(`conflicts of ${chunkId}`).digest('hex')
  return `${chunkId.slice(0, TIME_DIGITS)}7${digits.slice(0, 3)}8${digits.slice(3, 18)}`
}
