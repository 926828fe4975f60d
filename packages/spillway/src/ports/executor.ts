// Running commands through their handler, for whoever holds them: a worker with a lease, or a volatile channel.

import type { CommandUpdate } from '../domain/index.js'
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
}

/** One entry per command in the order given: null = succeeded without a value. `index` is the command's own. */
export type ExecutionReport = readonly (CommandUpdate | null)[]

export interface ExecuteOptions {
  /** Aborts when the lease is lost or the process closes. */
  readonly signal: AbortSignal
  /** Called when a handler still runs some time after its timeout aborted its signal; it may return yet, or never. */
  readonly onHung?: () => void
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
}
