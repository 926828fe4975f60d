// Reading the store: for HTTP, CLI, metrics and the dashboard. Never on the write path.

import type { CommandState, ErrorRecord } from '../domain/index.js'

export interface AttemptRecord {
  readonly attempt: number
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
  readonly history: readonly AttemptRecord[]
  /** JSON text; only when asked for. */
  readonly payload?: string
}

export interface ListRequest {
  readonly state?: CommandState
  readonly type?: string
  readonly queue?: string
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
  readonly failed: number
  readonly dead: number
  readonly cancelled: number
  /** Commit time of the oldest chunk that is ready; null when none is. */
  readonly oldestReadyAt: number | null
}

/** One consistent snapshot in which `accepted = ready + running + scheduled + retrying + terminal` holds, over what retention kept. */
export interface Accounting {
  readonly accepted: number
  readonly ready: number
  readonly running: number
  readonly scheduled: number
  readonly retrying: number
  readonly succeeded: number
  readonly failed: number
  readonly dead: number
  readonly cancelled: number
}

export interface StoreReader {
  /** One per id, null when the store has no such command. */
  get(
    ids: readonly string[],
    options?: { readonly payload?: boolean },
  ): Promise<readonly (CommandView | null)[]>
  /** Newest first, by command id descending (chunk id, then index). A page may be shorter than `limit` and still have a `next`. */
  list(
    request: ListRequest,
  ): Promise<{ readonly items: readonly CommandView[]; readonly next: string | null }>
  /** Live counts per queue; cost follows what is waiting, not what is stored. Queues with no rows at all may be absent. */
  queues(): Promise<readonly QueueCounts[]>
  /** Counts everything stored: for checks and `doctor`, not for a dashboard. */
  accounting(): Promise<Accounting>
}
