// What the holder of a lease writes: outcomes, heartbeats, completion. The chunks are locked; what is to be written is decided here
// and sent by the caller together with its commit.

import type { ChunkDraft, LeaseProgress, LeaseVerdict, Settlement } from '../../domain/index.js'
import { type ChunkPlace, finishChunks } from './chunks.js'
import { FamilyChanges } from './families.js'
import { type HeldChunk, type Holding, liveOf, saveChunk } from './held-chunk.js'
import { CHUNKS_BY_SEQ } from './indexes.js'
import { writeProgress } from './progress.js'
import { integer } from './sql-text.js'
import type { Hints } from './wake.js'

/** Gathers the statements of one call; several items may be about one chunk. */
export class HeldWrites {
  readonly #holding: Holding
  readonly #hints: Hints
  readonly #families = new FamilyChanges()
  readonly #statements: string[] = []
  readonly #finished: ChunkPlace[] = []
  readonly #following: ChunkDraft[] = []

  readonly #now: number
  readonly #nowSql: string

  /** `time` is the store's, if it is later than when the chunks were locked. */
  constructor(holding: Holding, hints: Hints, time?: { readonly ms: number; readonly sql: string }) {
    this.#holding = holding
    this.#hints = hints
    this.#now = time?.ms ?? holding.now
    this.#nowSql = time?.sql ?? integer(holding.now)
  }

  settle(item: Settlement): LeaseVerdict {
    const chunk = this.#holding.find(item)
    if (chunk === null) return 'stale'
    this.#write(chunk, item, item.complete)
    if (item.complete) this.#finish(chunk)
    return 'ok'
  }

  extend(item: LeaseProgress, leaseMs: number): LeaseVerdict {
    const chunk = this.#holding.find(item)
    if (chunk === null) return 'stale'
    this.#write(chunk, item, false)
    if (item.release === true) this.#giveBack(chunk)
    else this.#prolong(chunk, item.cursor, leaseMs)
    return 'ok'
  }

  /** What follows from what was written: to be stored behind the statements. */
  get following(): readonly ChunkDraft[] {
    return this.#following
  }

  /** Everything to be sent, in order. */
  statements(): string[] {
    const now = this.#nowSql
    const endings = finishChunks(this.#finished, now, this.#following)
    return [...this.#statements, ...this.#families.statements(now), ...endings]
  }

  #write(chunk: HeldChunk, progress: Settlement | LeaseProgress, complete: boolean): void {
    const now = this.#now
    if (progress.appends !== undefined) this.#following.push(...progress.appends)
    this.#statements.push(...writeProgress(chunk, progress, complete, this.#families, now))
    if (!complete || !chunk.promoted) this.#statements.push(...saveChunk(chunk, now))
  }

  #finish(chunk: HeldChunk): void {
    this.#holding.drop(chunk)
    this.#finished.push(chunk)
    if (chunk.partition !== null) this.#hints.add(chunk.queue, 0)
  }

  #giveBack(chunk: HeldChunk): void {
    const live = liveOf(chunk)
    if (live === 0) {
      this.#finish(chunk)
      return
    }
    this.#holding.drop(chunk)
    this.#statements.push(
      `update ${CHUNKS_BY_SEQ} set state = 'ready', lease_expires_at = 0, cursor_idx = null where seq = ${chunk.seq}`,
    )
    this.#hints.add(chunk.queue, live)
  }

  #prolong(chunk: HeldChunk, cursor: number | null | undefined, leaseMs: number): void {
    // A heartbeat that arrives after later ones must not blame a command that has ended for the next one's crash.
    if (cursor !== undefined && (cursor === null || !chunk.over.has(cursor))) chunk.cursor = cursor
    const expiresAt = integer(this.#now + Math.trunc(leaseMs))
    this.#statements.push(
      `update ${CHUNKS_BY_SEQ} set lease_expires_at = ${expiresAt}, cursor_idx = ${integer(chunk.cursor)} where seq = ${chunk.seq}`,
    )
  }
}
