// The database lacks what a handler needs, or does not let it in: nothing about the commands, which have to wait until somebody
// puts that right.

import { ERROR_MESSAGE_MAX, type ErrorRecord, PAUSE_REASON_MAX } from '../domain/index.js'
import { boundedText } from './error-record.js'

export class SchemaFault extends Error {
  override readonly name = 'SchemaFault'
  readonly fault = 'schema'
  readonly code: string

  constructor({ code, message }: ErrorRecord) {
    super(boundedText(message, ERROR_MESSAGE_MAX))
    this.code = code
  }
}

/** Why the queue of this command type is paused. */
export function pauseReasonOf(type: string, { code, message }: SchemaFault): string {
  return boundedText(`${type} cannot run: ${message} (${code})`, PAUSE_REASON_MAX)
}
