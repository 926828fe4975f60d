// Callbacks are commands like any others: what is to be told about commands that end together is stored with them, as chunks of
// the callbacks' own queue.

import type { ChunkDraft } from './chunk.js'
import { encodeBody } from './codec.js'
import { CHUNK_BYTES_MAX, CHUNK_COMMANDS_MAX } from './limits.js'

/** A character of a text has at most three bytes of UTF-8. */
const BYTES_PER_CHARACTER_MAX = 3

/** Chunks for these payloads (JSON text each), in order. */
export function callbackDrafts(
  payloads: readonly string[],
  {
    queue,
    type,
    newChunkId,
  }: { readonly queue: string; readonly type: string; readonly newChunkId: () => string },
): ChunkDraft[] {
  return grouped(payloads).map(
    (group): ChunkDraft => ({
      ...{ id: newChunkId(), queue, type, priority: 0, partition: null, codec: 'json' },
      ...{ body: encodeBody(group), size: group.length, keys: null, parked: null },
    }),
  )
}

function grouped(payloads: readonly string[]): readonly (readonly string[])[] {
  const groups: string[][] = []
  let group: string[] = []
  let bytes = 0
  for (const payload of payloads) {
    const added = payload.length * BYTES_PER_CHARACTER_MAX + 1
    if (group.length === CHUNK_COMMANDS_MAX || bytes + added > CHUNK_BYTES_MAX - 2) {
      if (group.length > 0) groups.push(group)
      group = []
      bytes = 0
    }
    group.push(payload)
    bytes += added
  }
  if (group.length > 0) groups.push(group)
  return groups
}
