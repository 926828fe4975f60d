// A command that lives in this process's memory: accepted by a volatile channel, and remembered for a while after it ended.
// One object for its whole life, because thousands of these come and go per second.

import { type CommandState, commandId, type ErrorRecord, type KeyDraft } from '../domain/index.js'
import type { CommandView, PreparedCommand } from '../ports/index.js'

export interface HeldCommand {
  readonly id: string
  readonly type: string
  readonly queue: string
  readonly bytes: number
  readonly priority: number
  readonly key: KeyDraft | null
  /** ms since the epoch. */
  readonly acceptedAt: number
  /** JSON text of the payload; empty once it ended. */
  json: string
  state: CommandState
  attempts: number
  error: ErrorRecord | null
  /** JSON text of the handler's value, or null. */
  result: string | null
  finishedAt: number | null
  /** It was parked, and the store knows more about it. */
  isStored: boolean
}

export type Ending = Pick<HeldCommand, 'state' | 'attempts' | 'error' | 'result'>

/**
 * Every held command has a chunk id of its own: a chunk is appended once, and these are parked one by one, at times of their own.
 * Only the JSON is kept, so that the byte bound counts what is held, nobody can change a payload that waits, and
 * a handler sees the same values on every channel.
 */
export function hold(command: PreparedCommand, chunkId: string, acceptedAt: number): HeldCommand {
  const { type, queue, bytes, priority, key, json } = command
  return {
    id: commandId(chunkId, 0),
    type,
    queue,
    bytes,
    priority,
    key,
    acceptedAt,
    json,
    state: 'accepted',
    attempts: 0,
    error: null,
    result: null,
    finishedAt: null,
    isStored: false,
  }
}

export function viewOf(held: HeldCommand): CommandView {
  const { id, type, queue, state, priority, attempts, acceptedAt, finishedAt, error, result } = held
  return {
    ...{ id, type, queue, state, priority, attempts, acceptedAt, finishedAt, error, result },
    ...{ nextAt: null, generation: 0, stage: 'execute', memo: null, fingerprint: null, history: [] },
  }
}
