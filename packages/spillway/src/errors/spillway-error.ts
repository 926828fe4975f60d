// The one error class. `code` is for programs, the message says what to do.

import { ERROR_CODES, type ErrorCategory, type ErrorCode } from './codes.js'

export interface SpillwayErrorOptions {
  readonly details?: Readonly<Record<string, unknown>>
  readonly cause?: unknown
}

export class SpillwayError extends Error {
  override readonly name = 'SpillwayError'
  readonly code: ErrorCode
  readonly category: ErrorCategory
  readonly retryable: boolean
  /** Facts for programs: ids, limits, paths. Never payloads. */
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, options: SpillwayErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.category = ERROR_CODES[code].category
    this.retryable = ERROR_CODES[code].retryable
    this.details = options.details ?? {}
  }
}

export function isSpillwayError(error: unknown, code?: ErrorCode): error is SpillwayError {
  return error instanceof SpillwayError && (code === undefined || error.code === code)
}

/** Whether what was asked for may have been done all the same: the answer was lost, say. */
export function isUnknownOutcome(error: unknown): boolean {
  return isSpillwayError(error) && error.details.outcome === 'unknown'
}
