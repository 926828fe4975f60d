// What operators' verbs change of chunks: gathered per chunk, written at once.

import type { Transaction } from './database.js'

const CHANGE_CHUNKS = `
update @.chunks set skip = coalesce(changed.skip, chunks.skip), live = coalesce(changed.live, chunks.live),
  open = open + changed.opened, unsuccessful = unsuccessful + changed.failed, ended_at = greatest(ended_at, $1::bigint)
from json_to_recordset($2::json) as changed (seq bigint, skip integer[], live integer, opened integer, failed integer)
where chunks.seq = changed.seq`

export interface ChunkChange {
  readonly seq: number
  /** Null leaves it. */
  skip: readonly number[] | null
  live: number | null
  /** How many more rows are not terminal, and how many more ended without success. */
  opened: number
  failed: number
}

export class ChunkChanges {
  readonly bySeq = new Map<number, ChunkChange>()

  of(seq: number): ChunkChange {
    const change = this.bySeq.get(seq) ?? { seq, skip: null, live: null, opened: 0, failed: 0 }
    this.bySeq.set(seq, change)
    return change
  }

  async write(tx: Transaction, now: number): Promise<void> {
    await tx.queryAnew(CHANGE_CHUNKS, [now, JSON.stringify([...this.bySeq.values()])])
  }
}
