// The chunk: commands of one type in one queue, committed together. It is the unit of durability, transport, lease
// and settlement; everything that costs something per write is paid once per chunk.

import type { ErrorRecord } from './outcome.js'
import type { RowState } from './states.js'

export type Codec = 'json'

/** A command's idempotency key within its scope (the command type). */
export interface KeyDraft {
  readonly key: string
  /** Digest of the payload: tells a repeat (same payload) from a conflict (other payload). */
  readonly fingerprint: string
  /** How long the key is remembered, counted from the append by the store's clock. */
  readonly windowMs: number
}

/** How a command is stored that does not go straight into a worker's hands: scheduled, or parked by a volatile channel. */
export interface ParkedDraft {
  readonly state: RowState
  /** Due at this time (ms since the epoch); null for terminal states. */
  readonly nextAt: number | null
  /** Executions so far. */
  readonly attempts: number
  readonly error: ErrorRecord | null
  /** JSON text of the result, if any. */
  readonly result?: string
}

export interface ChunkDraft {
  /** 32 hex digits, UUIDv7, made by the sender: a resend carries the same id and stores nothing twice. */
  readonly id: string
  readonly queue: string
  readonly type: string
  /** Higher runs first. */
  readonly priority: number
  /** Partition of an ordered queue; null when unordered. */
  readonly partition: number | null
  readonly codec: Codec
  /** JSON array of the payloads, `size` entries. */
  readonly body: string
  readonly size: number
  /** Per command, in order; null when no command of the chunk has one. */
  readonly keys: readonly (KeyDraft | null)[] | null
  /** Per command, in order. When given, no command of the chunk is ready: each is parked as it says, or absent (null) from the store. */
  readonly parked: readonly (ParkedDraft | null)[] | null
}

/** A command in a chunk whose id is not `<chunkId>-<index>`, because the chunk was promoted from parked rows. */
export interface ChunkMember {
  readonly id: string
  /** Executions before this chunk. */
  readonly attempts: number
  /** When the command was first accepted, ms since the epoch by the store's clock. */
  readonly acceptedAt: number
}

/** A claimed chunk. `(chunkId, token)` fences every later write about it. */
export interface Lease {
  readonly chunkId: string
  readonly token: number
  readonly queue: string
  readonly type: string
  readonly priority: number
  readonly partition: number | null
  readonly codec: Codec
  readonly body: string
  readonly size: number
  /** Indexes not to run: duplicates, cancelled, or finished under an earlier lease. Ascending. */
  readonly skip: readonly number[]
  /** Null for a chunk as it was submitted; one entry per index for a promoted chunk. */
  readonly members: readonly ChunkMember[] | null
  /** How often a lease of this chunk expired: a crash counts as an attempt. */
  readonly expiries: number
  /** The command that was running alone when the last lease expired, else null. */
  readonly cursor: number | null
  /** When the chunk was committed, ms since the epoch by the store's clock. */
  readonly createdAt: number
}

export interface LeaseRef {
  readonly chunkId: string
  readonly token: number
}

/** What became of one command that did not simply succeed, or that succeeded with a value. */
export interface CommandUpdate {
  readonly index: number
  readonly state: 'succeeded' | 'failed' | 'retrying' | 'dead'
  /** Executions so far, this one included. */
  readonly attempts: number
  /** Due this long after the settlement, by the store's clock; 0 for terminal states. */
  readonly delayMs: number
  readonly error: ErrorRecord | null
  /** JSON text of the handler's value. */
  readonly result?: string
}

/**
 * Progress of a leased chunk. Commands named in `updates` get a row of their own; indexes in `finished` succeeded
 * without a word. With `complete`, every other live command succeeded too and the chunk is done.
 */
export interface Settlement extends LeaseRef {
  readonly updates: readonly CommandUpdate[]
  readonly finished: readonly number[]
  readonly complete: boolean
}

/** Heartbeat of one lease, with what has been finished since the last one. */
export interface LeaseProgress extends LeaseRef {
  readonly updates: readonly CommandUpdate[]
  readonly finished: readonly number[]
  /** The command about to run alone, when the chunk is isolated; null clears it, undefined leaves it. */
  readonly cursor?: number | null
  /** Give the chunk back: it is ready again at once and this does not count as a crash. */
  readonly release?: boolean
}

/** `stale`: the lease is no longer this token's; nothing was written. */
export type LeaseVerdict = 'ok' | 'stale'
