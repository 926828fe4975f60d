// The chunk: commands of one type in one queue, committed together. It is the unit of durability, transport, lease
// and settlement; everything that costs something per write is paid once per chunk.

import type { ErrorRecord } from './outcome.js'
import type { RowState, Stage } from './states.js'

export type Codec = 'json'

/** A command's idempotency key within its scope (the command type). */
export interface KeyDraft {
  readonly key: string
  /** Digest of the payload: tells a repeat (same payload) from a conflict (other payload). */
  readonly fingerprint: string
  /** How long the key is remembered, counted from the append by the store's clock. */
  readonly windowMs: number
}

/** What a row keeps for the command's next turn and for those who look at it. Stores carry it and read none of it but what they match by. */
export interface RowNotes {
  /** What its next turn does; default `execute`. A terminal row keeps the stage it ended in. */
  readonly stage?: Stage
  /** JSON text that the command's stages leave for each other (domain/memo.ts); absent = as it was, null = none. */
  readonly memo?: string | null
  /**
   * Hash of its ordering key. While the row has one and is neither succeeded, failed, cancelled nor compensated, later commands of the key
   * wait (`scheduled` ones do not hold up anybody). A dead row has one only where dead letters block. Absent or null = holds up nobody.
   */
  readonly orderingKey?: string | null
  /** Whoever shows a token of this hash before it expires may complete it, once; only with `pending`. */
  readonly completion?: { readonly tokenHash: string; readonly expiresInMs: number } | null
  /** Groups rows that failed alike. */
  readonly fingerprint?: string | null
}

/** How a command is stored that does not go straight into a worker's hands: scheduled, or parked by a volatile channel. */
export interface ParkedDraft extends RowNotes {
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
  /** Whose commands these are, on a queue that serves tenants in turn; absent or null elsewhere. */
  readonly tenant?: string | null
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
  /** As it was left with the row; null = none. */
  readonly memo: string | null
  /** Its place in the order of an ordered queue: commit order of the chunk it was submitted in, then its index; null elsewhere. */
  readonly place: Place | null
  /** As the row has it. */
  readonly orderingKey: string | null
}

/** Comparable: [commit order of a chunk, index in it]. */
export type Place = readonly [seq: number, index: number]

/** A command that is not over and that later ones of its ordering key wait for. */
export interface Blocker {
  readonly orderingKey: string
  readonly place: Place
}

/** A claimed chunk. `(chunkId, token)` fences every later write about it. */
export interface Lease {
  readonly chunkId: string
  readonly token: number
  readonly queue: string
  readonly type: string
  readonly priority: number
  readonly partition: number | null
  readonly tenant: string | null
  /** What is done with its commands. */
  readonly stage: Stage
  /**
   * Of a chunk with a partition: the rows of the partition that hold up later commands of their key, without those that this chunk
   * carries itself; per key the first. Null without a partition.
   */
  readonly blockers: readonly Blocker[] | null
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
export interface CommandUpdate extends RowNotes {
  readonly index: number
  readonly state: UpdateState
  /** Executions so far, this one included. */
  readonly attempts: number
  /** Due this long after the settlement, by the store's clock; 0 for terminal states and for `blocked`, which waits for others. */
  readonly delayMs: number
  readonly error: ErrorRecord | null
  /** JSON text of the handler's value. */
  readonly result?: string
  /** Who tried it and for how long: for the history. */
  readonly ran?: { readonly workerId: string; readonly durationMs: number }
  /** It was not its turn after all (its key is blocked, a limit is reached): nothing is added to the history, the error kept is the row's own. */
  readonly deferred?: true
}

/** What a worker may write about a command. */
export type UpdateState = Exclude<RowState, 'scheduled' | 'cancelled'>

/**
 * Progress of a leased chunk. Commands named in `updates` get a row of their own; indexes in `finished` succeeded
 * without a word. With `complete`, every other live command succeeded too and the chunk is done.
 */
export interface Settlement extends LeaseRef {
  readonly updates: readonly CommandUpdate[]
  readonly finished: readonly number[]
  readonly complete: boolean
  /** Stored in the same commit, as `append` would, if the lease is held: what follows from these outcomes. Keys are not looked at. */
  readonly appends?: readonly ChunkDraft[]
}

/** Heartbeat of one lease, with what has been finished since the last one. */
export interface LeaseProgress extends LeaseRef {
  readonly updates: readonly CommandUpdate[]
  readonly finished: readonly number[]
  /** As in a settlement. */
  readonly appends?: readonly ChunkDraft[]
  /** The command about to run alone, when the chunk is isolated; null clears it, undefined leaves it. */
  readonly cursor?: number | null
  /** Give the chunk back: it is ready again at once and this does not count as a crash. */
  readonly release?: boolean
}

/** `stale`: the lease is no longer this token's; nothing was written. */
export type LeaseVerdict = 'ok' | 'stale'
