// Running commands through their handler, for whoever holds them: a worker with a lease, or a volatile channel.

import type { CommandUpdate, Exception, Stage } from '../domain/index.js'
import type { NewChunkId } from './random.js'
import type { SettleScope } from './store.js'

/** One command as an executor takes it. `index` is its place in its chunk. */
export interface ExecutableCommand {
  readonly id: string
  readonly index: number
  readonly payload: unknown
  /** Number of this execution, counted from 1. */
  readonly attempt: number
  /** ms since the epoch. */
  readonly acceptedAt: number
  /** What its stages left for each other; absent = nothing. */
  readonly memo?: string | null
  /** An earlier execution may have got somewhere: a retry, or a lease that expired. Recorded steps are looked up only then. */
  readonly resumed?: boolean
  /** A worker died or stalled while it may have been running: where its type can be asked, that comes before it is executed again. */
  readonly doubtful?: boolean
  /** Hash of its ordering key; absent or null without one. */
  readonly orderingKey?: string | null
}

/** One entry per command in the order given: null = succeeded, and nothing else to say. `index` is the command's own. */
export type ExecutionReport = readonly (ReportedUpdate | null)[]

export interface ReportedUpdate extends CommandUpdate {
  /** Payload of the callback command (JSON text) that the terminal state it reached is to be told by, in the same commit. */
  readonly callback?: string
  /** Its recorded steps are of no use any more once this is in the store: then `Executor.forget` is to be called. */
  readonly forget?: true
}

/** As which commands callbacks are stored. */
export interface CallbackRoute {
  readonly queue: string
  readonly type: string
  readonly newChunkId: NewChunkId
}

/** One call of a handler that returned, for those who watch what its counterpart can take. */
export interface EndedCall {
  readonly commands: number
  readonly durationMs: number
  /** `error` = a transient exception; a business no, bad data or a bug is `ok`, because the counterpart did answer. */
  readonly outcome: 'ok' | 'error' | 'timeout'
}

export interface ExecuteOptions {
  /** What to do with the commands; default `execute`. Other stages never run within the settlement's transaction. */
  readonly stage?: Stage
  /** Aborts when the lease is lost or the process closes. */
  readonly signal: AbortSignal
  /** Called when a handler still runs some time after its timeout aborted its signal; it may return yet, or never. */
  readonly onHung?: () => void
  /** Called after each call of the handler in the `execute` stage, but for those that were interrupted from outside. */
  readonly onCall?: (call: EndedCall) => void
  /**
   * Reject with an error whose `fault` is 'schema' when the database lacks what the handler needs: whoever can gives the commands
   * back untried. Otherwise such commands are retried like any others.
   */
  readonly rejectSchemaFaults?: true
}

export interface ExecuteWithinOptions extends ExecuteOptions {
  /** The settlement's transaction. */
  readonly scope: SettleScope<unknown>
}

export interface ConcludeOptions {
  readonly stage?: Stage
  /** Workers died or stalled under the commands as often as that may happen: they are not tried again, and no handler call is counted. */
  readonly crashed?: true
}

export interface LandedCommands {
  readonly commands: number
  /** ms since the epoch. */
  readonly acceptedAt: number
  readonly durationMs: number
  /** The payload of one of them. */
  readonly sample: unknown
}

export interface Executor {
  /**
   * Runs the handler with its timeout, bisects poison, turns outcomes into decisions. Never rejects for a handler's fault but the one
   * that `rejectSchemaFaults` names.
   * Resolves only when the handler has returned: one that ignores its aborted signal keeps the promise pending.
   */
  execute(
    type: string,
    commands: readonly ExecutableCommand[],
    options: ExecuteOptions,
  ): Promise<ExecutionReport>
  /** The same inside a settlement's transaction. Synchronous where the store's `transactionalSettle` is 'sync'. */
  executeWithin(
    type: string,
    commands: readonly ExecutableCommand[],
    options: ExecuteWithinOptions,
  ): ExecutionReport | Promise<ExecutionReport>
  /**
   * What follows for commands whose turn ended outside of any handler's answer, one exception each: their worker crashed or closed, or
   * their transaction could not be committed.
   */
  conclude(
    type: string,
    commands: readonly ExecutableCommand[],
    exceptions: readonly Exception[],
    options?: ConcludeOptions,
  ): ExecutionReport
  /** Takes note of commands that came to rows of their own without being handed out: `Store.appendSettled` stored them. */
  landed(type: string, landed: LandedCommands): void
  /** Removes what was recorded for commands that have ended, sooner or later; never throws. */
  forget(ids: readonly string[]): void
  /** Resolves when everything that was begun on the side is done. */
  close(): Promise<void>
}
