// Chunks as they go on record when the store has taken them.

import { type AppendVerdict, type ChunkDraft, commandId } from '../../domain/index.js'
import type { AppendedCommand } from '../checker/index.js'

/** `verdicts` null = all accepted. Ordering keys are those of the workload's payloads. */
export function appendedCommands(
  draft: ChunkDraft,
  verdicts: readonly AppendVerdict[] | null,
): readonly AppendedCommand[] {
  const { id, partition, parked } = draft
  // Key order is fixed by the workload's payloads, so parsing and writing gives the submitted text back.
  return (JSON.parse(draft.body) as { readonly line?: string }[]).map(
    (payload, index): AppendedCommand => ({
      id: commandId(id, index),
      payload: JSON.stringify(payload),
      verdict: verdicts?.[index]?.status ?? 'accepted',
      dueAt: parked?.[index]?.nextAt ?? null,
      ...(partition === null || payload.line === undefined ? {} : { orderingKey: payload.line }),
    }),
  )
}

export function commandIdsOf({ id, size }: ChunkDraft): string[] {
  return Array.from({ length: size }, (_, index) => commandId(id, index))
}
