// What a callback says: the structure Standard Webhooks 1.0 recommends, type, timestamp, data. It is written once, when the
// command has ended, and stored as the payload of the callback's own command: every attempt sends the same bytes.

import type { CallbackState } from '../config/index.js'
import type { ErrorRecord } from '../domain/index.js'

export type CallbackType = `command.${CallbackState}`

/** A command that has ended. */
export interface FinishedCommand {
  readonly id: string
  readonly type: string
  readonly queue: string
  readonly state: CallbackState
  readonly attempts: number
  /** ms since the epoch. */
  readonly acceptedAt: number
  /** ms since the epoch. */
  readonly finishedAt: number
  readonly error: ErrorRecord | null
  /** JSON text of the handler's value, or null. */
  readonly result: string | null
}

/** The JSON text of the callback about `command`. Times are ISO 8601 in UTC; a stack stays here, it is not the receiver's. */
export function callbackBody(command: FinishedCommand): string {
  const { id, type, queue, state, attempts, error, result } = command
  const finishedAt = isoTime(command.finishedAt)
  return JSON.stringify({
    type: `command.${state}` satisfies CallbackType,
    timestamp: finishedAt,
    data: {
      id,
      type,
      queue,
      state,
      attempts,
      acceptedAt: isoTime(command.acceptedAt),
      finishedAt,
      ...(result === null ? {} : { result: JSON.parse(result) as unknown }),
      ...(error === null ? {} : { error: { code: error.code, message: error.message } }),
    },
  })
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}
