// Removing what has outlived its retention. A family goes as a whole: its chunk and all its rows, once every command of
// it has ended long enough ago.

import type { PruneReport, PruneRequest } from '../../ports/index.js'
import { pruneAudit } from './audit.js'
import type { Heap } from './heap.js'
import { pruneKeys } from './keys.js'
import { forgetSilentNodes } from './nodes.js'
import type { ChunkRecord } from './records.js'
import { pruneShared } from './shared.js'
import { forget, type MemoryState } from './state.js'

export function prune(state: MemoryState, request: PruneRequest, now: number): PruneReport {
  const { successful, unsuccessful } = state.ended
  const families = takeEnded(successful, now - request.retentionMs, request.limit)
  families.push(...takeEnded(unsuccessful, now - request.failedRetentionMs, request.limit - families.length))
  let commands = 0
  for (const chunk of families) {
    commands += chunk.size - chunk.absent.size
    forget(state, chunk)
  }
  forgetSilentNodes(state, now)
  pruneShared(state, now, request.limit)
  if (request.auditRetentionMs !== undefined) pruneAudit(state, now - request.auditRetentionMs, request.limit)
  return { chunks: families.length, commands, keys: pruneKeys(state, now, request.limit) }
}

function takeEnded(ended: Heap<ChunkRecord>, until: number, limit: number): ChunkRecord[] {
  const families: ChunkRecord[] = []
  while (families.length < limit) {
    const chunk = ended.peek()
    if (chunk === undefined || chunk.endedAt > until) break
    ended.pop()
    families.push(chunk)
  }
  return families
}
