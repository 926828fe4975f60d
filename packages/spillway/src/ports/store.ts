// What a database must do for Spillway. Batch in, one verdict per item out. The weakest engine shapes it: nothing here
// needs UPDATE ... RETURNING (MySQL has none), LISTEN/NOTIFY, or a transaction that outlives one call, and every time
// comparison is made by the store's own clock. Decisions (what follows what) are made in domain/, never in a driver.

import type {
  AppendVerdict,
  ChunkDraft,
  Lease,
  LeaseProgress,
  LeaseRef,
  LeaseVerdict,
  Settlement,
} from '../domain/index.js'
import type { StoreControl } from './store-control.js'
import type { StoreNodes } from './store-nodes.js'
import type { StoreReader } from './store-reader.js'
import type { StoreShared } from './store-shared.js'

export interface StoreCapabilities {
  /** What a command is safe from once append resolved: `process` = lost with this process, `disk` = survives it. */
  readonly durability: 'process' | 'disk'
  /** Whether handlers can share the settlement's transaction, and whether they must be synchronous to do so. */
  readonly transactionalSettle: 'none' | 'sync' | 'async'
  /** Whether `submit(..., { tx })` can enlist in the caller's own transaction. */
  readonly transactionalAppend: boolean
  /** Whether several processes may share it. */
  readonly shared: boolean
}

export interface AppendOptions<Tx> {
  /** The caller's own transaction; only with `transactionalAppend`. */
  readonly tx?: Tx
  /** All or nothing: one conflict and no draft of this call is stored (the other commands' verdicts still tell what they would have been). */
  readonly atomic?: boolean
  /**
   * For whoever is about to execute what it stores: chunks that this call stores are leased in the same commit, as a claim would
   * lease them, but whatever waits before them; nobody is woken for them. In the order of the drafts, as long as the queue's limit has room.
   * What is parked, has a partition, or is kept from being leased by a paused queue or the limit, is stored and left to claims. Implies
   * `remember`. Not with `tx` or `atomic`.
   */
  readonly lease?: AppendLease
  /**
   * For whoever's callers were given their ids before anybody looked at their keys: a chunk of nothing but repeats is kept as well, without
   * a command. So a resend is answered the same once its keys are forgotten, and repeats are found by their own ids (`StoreReader.get`)
   * for as long as a finished chunk is kept. Not with `tx` or `atomic`.
   */
  readonly remember?: boolean
}

export interface AppendLease {
  readonly workerId: string
  readonly leaseMs: number
}

export interface AppendResult {
  /** Commit time by the store's clock, ms since the epoch. */
  readonly createdAt: number
  /** One per command, or null when all were accepted (the common case costs no allocation). */
  readonly verdicts: readonly AppendVerdict[] | null
  /**
   * Asked for with `lease`: the chunk's, which skips its repeats; or null when it was left to claims, was stored before (a draft given twice is,
   * the second time), or is nothing but repeats.
   */
  readonly lease?: Lease | null
}

export interface AppendSettledOptions {
  /** How long it may wait for locks that others hold, so that whoever waits for a receipt does not wait for the application's table. Default: as long as any write. */
  readonly lockWaitMs?: number
}

export interface ClaimRequest {
  readonly queue: string
  /** Only chunks of these types: what this worker has handlers for. */
  readonly types: readonly string[]
  readonly chunksMax: number
  /** Stop adding chunks once this many commands are claimed; the first chunk is always given. */
  readonly commandsMax: number
  readonly leaseMs: number
  readonly workerId: string
  /** Only chunks of this tenant; absent = of all. */
  readonly tenant?: string
  /** In commit order whatever the priority, so that nothing starves. */
  readonly oldestFirst?: true
}

/** A tenant with something to claim. */
export interface ReadyTenant {
  readonly tenant: string
  /** Its oldest claimable chunk was committed then, ms since the epoch. */
  readonly oldestAt: number
}

export interface PromoteRequest {
  /** Parked commands to move at most. */
  readonly limit: number
  /** Commands per promoted chunk at most. */
  readonly chunkCommandsMax: number
  readonly newChunkId: () => string
}

export interface PruneRequest {
  /** Finished chunks whose commands all ended longer ago than this are removed, with their rows. */
  readonly retentionMs: number
  /** Dead, failed and cancelled commands keep their chunk this long instead. */
  readonly failedRetentionMs: number
  /** Audit rows older than this are removed; absent = none. Shared values go once their own time has come. */
  readonly auditRetentionMs?: number
  /** Rows of each kind to remove at most, so that one call stays short. */
  readonly limit: number
}

export interface PruneReport {
  readonly chunks: number
  readonly commands: number
  /** A store that drops expired keys many at once does so later than they expire, and counts them by estimate. */
  readonly keys: number
}

/** Rows for a bulk write into a table of the application, made by `into()`. */
export interface BulkWrite {
  readonly table: string
  readonly columns: readonly string[]
  /** Conflict columns. Rows are unique and sorted by them. */
  readonly key: readonly string[]
  /** What to do with a row whose key exists: leave it, or overwrite the other columns. */
  readonly onConflict: 'ignore' | 'update'
  /** Values per row, in the order of `columns`. */
  readonly rows: readonly (readonly unknown[])[]
}

/** The settlement's transaction as a handler sees it. */
export interface SettleScope<Tx> {
  /** To be taken outside of any savepoint; not at all by who has no use for it, because lending it has its price. */
  readonly tx: Tx
  /**
   * Runs `work` so that its effects alone are undone when it throws. The promise form follows `transactionalSettle`. Throws without
   * running it once the transaction is gone.
   */
  savepoint<T>(work: () => T): T
  /** Writes the rows; returns a promise only where `transactionalSettle` is 'async'. */
  write(bulk: BulkWrite): void | Promise<void>
}

/**
 * Runs with the leases that are still valid (`valid[i]` belongs to `leases[i]`) and says what to write about them. Must not
 * name a lease that is not valid. With 'sync' it must not return a promise.
 */
export type SettleWork<Tx> = (
  scope: SettleScope<Tx>,
  valid: readonly boolean[],
) => readonly Settlement[] | Promise<readonly Settlement[]>

/** In-process or cross-process hint that a queue has something to claim. Hints may be lost or spurious; workers also poll. */
export interface WakeSignal {
  /** `commands` is how many became claimable, when known. Returns the unsubscribe function. */
  subscribe(listener: (queue: string, commands: number) => void): () => void
}

export interface Migration {
  readonly version: number
  readonly name: string
  readonly sql: string
}

export interface SchemaState {
  /** 0 when nothing is installed. */
  readonly current: number
  readonly target: number
  readonly pending: readonly Migration[]
}

/** Migrating is explicit: opening a store never changes its schema. */
export interface StoreSchema {
  state(): Promise<SchemaState>
  /** Applies what is pending; safe to call from several processes at once. */
  migrate(): Promise<SchemaState>
}

export interface StoreLifecycle {
  /** Connects and checks versions. Throws `store_incompatible` when the schema is missing or does not fit. */
  open(): Promise<void>
  close(): Promise<void>
  /** Writes something harmless as durably as an append: throws when the store cannot take commands now. For readiness. */
  probe(): Promise<void>
}

export interface Store<Tx = unknown> extends StoreLifecycle {
  /** Short name for messages and metrics: `memory`, `sqlite`, ... */
  readonly name: string
  readonly capabilities: StoreCapabilities
  readonly wake: WakeSignal
  readonly reader: StoreReader
  readonly control: StoreControl
  readonly nodes: StoreNodes
  readonly shared: StoreShared
  readonly schema: StoreSchema

  /** Stores chunks durably and says per command what became of it. Resending a chunk id is harmless and answers the same. */
  append(drafts: readonly ChunkDraft[], options?: AppendOptions<Tx>): Promise<readonly AppendResult[]>
  /**
   * Stores chunks as settled, every command succeeded, together with the rows they come to: one commit where appending, claiming and settling
   * are three. Resolves to the commit time; or to null, with nothing changed, where more would have to be said: a chunk or key is known, chunks are
   * parked or have a partition, a queue is paused or has a limit of leases, a row would have to wait, or the store has no transactions
   * for handlers. Rejects, with nothing changed, when a row cannot be written. After a rejection with an unknown outcome, as after any
   * append, sending the same chunks again tells.
   */
  appendSettled(
    drafts: readonly ChunkDraft[],
    rows: BulkWrite,
    options?: AppendSettledOptions,
  ): Promise<number | null>
  /**
   * Leases ready chunks and chunks whose lease expired, by (priority descending, commit order), or by commit order alone. Skips paused queues. Of an ordered
   * queue's partition (partition not null) at most one chunk is leased at a time, oldest first. Tokens of a chunk strictly increase.
   */
  claim(request: ClaimRequest): Promise<readonly Lease[]>
  /**
   * Tenants of which a claim of these types would find something, oldest chunk first; at most `limit`. None of a paused queue; whether the queue's
   * limit of leases leaves room is the claim's to say. Chunks without a tenant count as tenant ''. Cost follows the number of tenants, not of
   * chunks.
   */
  readyTenants(queue: string, types: readonly string[], limit: number): Promise<readonly ReadyTenant[]>
  /** Heartbeat: prolongs leases and records progress. */
  extend(items: readonly LeaseProgress[], leaseMs: number): Promise<readonly LeaseVerdict[]>
  /** Writes outcomes: compare-and-set on (chunk, token); commands that did not succeed get their row in the same transaction. */
  settle(items: readonly Settlement[]): Promise<readonly LeaseVerdict[]>
  /**
   * Effects and settlement in one commit. The leases are checked and locked first; `work` runs only with the valid ones, and
   * nothing can take them over until the commit. A throw from `work` rolls everything back and is rethrown; with 'async', statements
   * of a handler that hangs may still be running then, and must not keep the rollback from ending the call.
   */
  settleWithin(leases: readonly LeaseRef[], work: SettleWork<Tx>): Promise<readonly LeaseVerdict[]>
  /**
   * First lets go of `blocked` commands whose ordering key nobody holds up any more: they become `retrying`, due now. Then moves due parked
   * commands into fresh chunks, by (due time, place); a chunk has one queue, type, priority, partition, tenant and stage. Returns how many it
   * moved. Guarded: any number of callers behave as one.
   */
  promote(request: PromoteRequest): Promise<number>
  /** Removes what has outlived its retention, in bounded steps. */
  prune(request: PruneRequest): Promise<PruneReport>
}
