// What the memory store keeps: chunks, the rows of commands that did not succeed at once, and idempotency keys.
// Rows hang on the chunk their command was submitted in, so that a family is found, counted and pruned together.

import type {
  AppendVerdict,
  ChunkDraft,
  ChunkMember,
  Codec,
  ErrorRecord,
  RowState,
  Stage,
} from '../../domain/index.js'
import type { AttemptRecord, NodeDraft } from '../../ports/index.js'
import type { Heap, HeapItem } from './heap.js'

export interface ChunkRecord extends HeapItem {
  readonly id: string
  /** Commit order. */
  readonly seq: number
  readonly queue: string
  readonly type: string
  readonly priority: number
  readonly partition: number | null
  readonly tenant: string | null
  /** What is done with its commands. */
  readonly stage: Stage
  readonly codec: Codec
  readonly body: string
  /** Of the body. */
  readonly bytes: number
  readonly size: number
  readonly createdAt: number
  /** What append answered, for a resend; null when all were accepted. */
  readonly verdicts: readonly AppendVerdict[] | null
  /** Indexes that were never stored: duplicates, conflicts, gaps of a parked draft. */
  readonly absent: ReadonlySet<number>
  /** Null for a chunk as it was submitted. */
  readonly cargo: readonly Cargo[] | null
  state: 'ready' | 'leased' | 'done'
  token: number
  leaseExpiresAt: number
  expiries: number
  cursor: number | null
  /** Indexes that must not run any more: finished, parked or cancelled. */
  over: Set<number> | null
  /** Values of commands that succeeded at once. */
  results: Map<number, string> | null
  rows: Map<number, RowRecord> | null
  /** Rows that are not terminal, and rows that ended otherwise than by success. */
  liveRows: number
  unsuccessfulRows: number
  /** When the last of the family ended, as far as it has. */
  endedAt: number
}

/** A command's row on its way through a promoted chunk. */
export interface Cargo {
  readonly row: RowRecord
  readonly member: ChunkMember
}

/** `carried`: in a promoted chunk, whose state it shows. */
export type RowPlace = RowState | 'carried'

export interface RowRecord extends HeapItem {
  readonly origin: ChunkRecord
  readonly index: number
  place: RowPlace
  /** The promoted chunk and the index in it, while carried. */
  carrier: ChunkRecord | null
  carrierIndex: number
  attempts: number
  /** When it is due; meaningless unless it waits. */
  nextAt: number
  finishedAt: number | null
  error: ErrorRecord | null
  result: string | null
  generation: number
  history: readonly AttemptRecord[]
  stage: Stage
  memo: string | null
  orderingKey: string | null
  fingerprint: string | null
  completion: { readonly tokenHash: string; readonly expiresAt: number } | null
  /** In the place of the one it was submitted with. */
  payload: string | null
  /** Where it stands among the rows of its ordering key, while it holds up others or waits for them. */
  ordering: Ordering | null
}

/** The rows of one ordering key in one partition that are not over. */
export interface Ordering {
  readonly key: string | null
  readonly holders: Set<RowRecord>
  /** The first of them first. */
  readonly blocked: Heap<RowRecord>
}

/** Per partition and ordering key. */
export type Orderings = Map<number | null, Map<string | null, Ordering>>

export interface KeyRecord extends HeapItem {
  readonly scope: string
  readonly key: string
  readonly fingerprint: string
  readonly commandId: string
  readonly expiresAt: number
}

export interface SharedRecord {
  readonly value: string
  readonly version: number
  readonly expiresAt: number
}

export interface NodeRecord {
  readonly draft: NodeDraft
  readonly startedAt: number
  readonly seenAt: number
  readonly ttlMs: number
}

type ChunkContent = Pick<
  ChunkDraft,
  'id' | 'queue' | 'type' | 'priority' | 'partition' | 'tenant' | 'codec' | 'body' | 'size'
>

export function newChunk(
  content: ChunkContent,
  storage: Pick<ChunkRecord, 'seq' | 'createdAt'> &
    Partial<Pick<ChunkRecord, 'state' | 'stage' | 'verdicts' | 'absent' | 'cargo'>>,
): ChunkRecord {
  // One literal without a spread keeps every chunk the same compact shape: there may be a million of them.
  return {
    id: content.id,
    seq: storage.seq,
    queue: content.queue,
    type: content.type,
    priority: content.priority,
    partition: content.partition,
    tenant: content.tenant ?? null,
    stage: storage.stage ?? 'execute',
    codec: content.codec,
    body: content.body,
    bytes: Buffer.byteLength(content.body),
    size: content.size,
    createdAt: storage.createdAt,
    verdicts: storage.verdicts ?? null,
    absent: storage.absent ?? NONE,
    cargo: storage.cargo ?? null,
    state: storage.state ?? 'ready',
    token: 0,
    leaseExpiresAt: 0,
    expiries: 0,
    cursor: null,
    // Most chunks never need these collections, so they do not carry empty ones.
    over: null,
    results: null,
    rows: null,
    liveRows: 0,
    unsuccessfulRows: 0,
    endedAt: storage.createdAt,
    slot: -1,
  }
}

/** The one empty set. */
export const NONE: ReadonlySet<number> = new Set()

/** Commands of the chunk that still have to run. */
export function liveCount(chunk: ChunkRecord): number {
  return chunk.state === 'done' ? 0 : chunk.size - chunk.absent.size - (chunk.over?.size ?? 0)
}

function isOver(chunk: ChunkRecord, index: number): boolean {
  return chunk.over?.has(index) ?? false
}

export function isLive(chunk: ChunkRecord, index: number): boolean {
  if (chunk.state === 'done' || index < 0 || index >= chunk.size) return false
  return !chunk.absent.has(index) && !isOver(chunk, index)
}
