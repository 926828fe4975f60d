// The chunks that this process sent on lately, so that a command can be asked for while it is on its way and the store does not know of
// it. One entry per chunk, the oldest forgotten first.

import { type ChunkDraft, parseCommandId } from '../domain/index.js'
import type { CommandView } from '../ports/index.js'

export const SENT_CHUNKS_MAX = 20_000

type Sent = Pick<ChunkDraft, 'id' | 'type' | 'queue' | 'priority' | 'size' | 'parked'> & {
  /** ms since the epoch. */
  readonly acceptedAt: number
}

export class SentChunks {
  readonly #chunks = new Map<string, Sent>()

  add({ id, type, queue, priority, size, parked }: ChunkDraft, acceptedAt: number): void {
    this.#chunks.set(id, { id, type, queue, priority, size, parked, acceptedAt })
    if (this.#chunks.size <= SENT_CHUNKS_MAX) return
    const [oldest] = this.#chunks.keys()
    if (oldest !== undefined) this.#chunks.delete(oldest)
  }

  find(id: string): CommandView | null {
    const { chunkId = '', index = 0 } = parseCommandId(id) ?? {}
    const sent = this.#chunks.get(chunkId)
    return sent === undefined || index >= sent.size ? null : viewOf(id, sent, index)
  }
}

function viewOf(id: string, { type, queue, priority, parked, acceptedAt }: Sent, index: number): CommandView {
  const nextAt = parked?.[index]?.nextAt ?? null
  return {
    ...{ id, type, queue, priority, acceptedAt, nextAt },
    ...{ state: nextAt === null ? 'accepted' : 'scheduled', attempts: 0, finishedAt: null, error: null },
    ...{ result: null, generation: 0, stage: 'execute', memo: null, fingerprint: null, history: [] },
  }
}
