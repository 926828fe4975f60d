// What a process tells its own listeners about the commands it settles.

import type { CommandState, CommandUpdate, ErrorRecord } from '../domain/index.js'
import type { ExecutableCommand } from './executor.js'

export interface SettledEvent {
  readonly id: string
  readonly type: string
  readonly queue: string
  readonly state: CommandState
  /** Executions so far. */
  readonly attempts: number
  readonly error: ErrorRecord | null
  /** JSON text of the handler's value, if any. */
  readonly result?: string
}

/** Asked before anything is put together for listeners: without any, events cost nothing. */
export interface SettledListener {
  listening(): boolean
  /** Only of what is in the store, or has ended in this process's memory. Must not throw. */
  settled(events: readonly SettledEvent[]): void
}

/** What is told about one command; null when nothing happened to it but waiting. `update` null = it succeeded without a value. */
export function settledEvent(
  { id, attempt }: Pick<ExecutableCommand, 'id' | 'attempt'>,
  { queue, type }: Pick<SettledEvent, 'queue' | 'type'>,
  update: CommandUpdate | null,
): SettledEvent | null {
  if (update === null) return { id, type, queue, state: 'succeeded', attempts: attempt, error: null }
  const { state, attempts, error, result, deferred } = update
  if (deferred === true) return null
  const event = { id, type, queue, state, attempts, error }
  return result === undefined ? event : { ...event, result }
}
