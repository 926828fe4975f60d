// Reading the store: for HTTP, CLI, metrics and the dashboard. Never on the write path.

import type { CommandState, ErrorRecord, Stage } from '../domain/index.js'
import type { AuditRecord } from './store-control.js'

export interface AttemptRecord {
  readonly attempt: number
  /** What was tried; absent = it was executed. */
  readonly stage?: Stage
  /** By whom and for how long, where that is known. */
  readonly workerId?: string
  readonly durationMs?: number
  /** ms since the epoch by the store's clock. */
  readonly at: number
  readonly error: ErrorRecord | null
}

export interface CommandView {
  readonly id: string
  readonly type: string
  readonly queue: string
  readonly state: CommandState
  readonly priority: number
  /** Executions so far, as far as the store knows. */
  readonly attempts: number
  readonly acceptedAt: number
  /** When it is due, for scheduled and retrying; else null. */
  readonly nextAt: number | null
  /** When it reached a terminal state; else null. */
  readonly finishedAt: number | null
  readonly error: ErrorRecord | null
  /** JSON text of the handler's value, or null. */
  readonly result: string | null
  /** How often it was redriven. */
  readonly generation: number
  /** What its next turn does, or where it ended; `execute` for commands without a row. */
  readonly stage: Stage
  /** JSON text of domain Memo, or null. */
  readonly memo: string | null
  /** Groups commands that failed alike; null when it has no error. */
  readonly fingerprint: string | null
  readonly history: readonly AttemptRecord[]
  /** JSON text; only when asked for. */
  readonly payload?: string
}

export interface ListRequest {
  readonly state?: CommandState
  readonly type?: string
  readonly queue?: string
  /** Only with a state. */
  readonly fingerprint?: string
  /** Newest first; continue after this id. */
  readonly after?: string
  readonly limit: number
}

export interface QueueCounts {
  readonly queue: string
  readonly paused: boolean
  /** Commands waiting in chunks, running in chunks, and in rows of their own. */
  readonly ready: number
  readonly running: number
  readonly scheduled: number
  readonly retrying: number
  readonly reconciling: number
  readonly pending: number
  readonly blocked: number
  readonly compensating: number
  readonly failed: number
  readonly dead: number
  readonly cancelled: number
  readonly compensated: number
  /** Bytes of the bodies of the chunks that are ready. */
  readonly readyBytes: number
  /** Commit time of the oldest chunk that is ready; null when none is. */
  readonly oldestReadyAt: number | null
}

/** One consistent snapshot in which `accepted = ready + running + parked + terminal` holds, over what retention kept. */
export interface Accounting {
  readonly accepted: number
  readonly ready: number
  readonly running: number
  readonly scheduled: number
  readonly retrying: number
  readonly reconciling: number
  readonly pending: number
  readonly blocked: number
  readonly compensating: number
  readonly succeeded: number
  readonly failed: number
  readonly dead: number
  readonly cancelled: number
  readonly compensated: number
}

export interface GroupRequest {
  readonly state: 'dead' | 'failed'
  readonly type?: string
  readonly queue?: string
  /** Groups at most. */
  readonly limit: number
}

/** Commands that failed alike. */
export interface ErrorGroup {
  readonly fingerprint: string
  readonly type: string
  readonly queue: string
  readonly count: number
  /** When the first and the last of them ended, ms since the epoch. */
  readonly firstAt: number
  readonly lastAt: number
  /** The newest of them, and its error. */
  readonly sampleId: string
  readonly error: ErrorRecord
}

export interface AuditRequest {
  /** Newest first; continue after this id. */
  readonly after?: string
  readonly limit: number
}

/** A command that waits for its counterpart. */
export interface WaitingCommand {
  readonly view: CommandView
  readonly payload: string
}

export interface StoreReader {
  /**
   * One per id, null when the store has no such command. A repeat in a chunk that is kept answers the command it repeats, under that
   * one's own id, for as long as both are there; a conflict is no command.
   */
  get(
    ids: readonly string[],
    options?: { readonly payload?: boolean },
  ): Promise<readonly (CommandView | null)[]>
  /** Newest first, by command id descending (chunk id, then index). A page may be shorter than `limit` and still have a `next`. */
  list(
    request: ListRequest,
  ): Promise<{ readonly items: readonly CommandView[]; readonly next: string | null }>
  /** The pending command that a token of this hash completes, with its payload; null when there is none or it has expired. */
  waiting(tokenHash: string): Promise<WaitingCommand | null>
  /** Groups with the most commands first. Rows without a fingerprint are not counted. */
  errorGroups(request: GroupRequest): Promise<readonly ErrorGroup[]>
  audit(
    request: AuditRequest,
  ): Promise<{ readonly items: readonly AuditRecord[]; readonly next: string | null }>
  /** Live counts per queue; cost follows what is waiting, not what is stored. Queues with no rows at all may be absent. */
  queues(): Promise<readonly QueueCounts[]>
  /** Counts everything stored: for checks and `doctor`, not for a dashboard. */
  accounting(): Promise<Accounting>
}
