// From what a handler returned to outcomes that may be kept: of the right number, of a known kind, bounded, and with
// values as JSON text. What does not fit is an error that retries, never a silent success.

import {
  DELAY_MS_MAX,
  ERROR_MESSAGE_MAX,
  type Exception,
  type HandlerOutcome,
  isHandlerOutcome,
  type Outcome,
  RESULT_BYTES_MAX,
} from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import { boundedText, errorRecord } from './error-record.js'
import type { Outcomes } from './trial.js'

/** Of a handler for one command: an outcome, or any other value, which is its result. */
export function outcomeOf(returned: unknown): Outcome | null {
  if (returned === undefined) return null
  return checked(isHandlerOutcome(returned) ? returned : { outcome: 'ok', value: returned })
}

/** Of a batch handler: nothing, or exactly one outcome per command. Throws `handler_result` otherwise. */
export function outcomesOf(returned: unknown, size: number): Outcomes | null {
  if (returned === undefined || returned === null) return null
  if (!Array.isArray(returned)) {
    throw wrongResult(`returned ${described(returned)}; it must return nothing or an array of outcomes`)
  }
  if (returned.length !== size) {
    throw wrongResult(
      `returned ${returned.length} outcomes for ${size} commands; it must return one for each`,
    )
  }
  return returned.map((entry: unknown, at) => {
    if (entry === undefined || entry === null) return null
    if (isHandlerOutcome(entry)) return checked(entry)
    throw wrongResult(
      `returned ${described(entry)} at index ${at}; use ok(value), failed(...), retry(...) or null`,
    )
  })
}

function checked(outcome: HandlerOutcome): Outcome | null {
  switch (outcome.outcome) {
    case 'ok':
      return outcome.value === undefined ? null : withText(outcome.value)
    case 'failed':
      return { outcome: 'failed', reason: reasonText(outcome.reason) }
    case 'retry':
      return { outcome: 'retry', reason: reasonText(outcome.reason), ...delay(outcome.afterMs) }
  }
}

function withText(value: unknown): Outcome | null {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch {
    return unkeepable('cannot be written as JSON; return plain data, without cycles or bigints')
  }
  if (text === undefined) return unkeepable('is a function or a symbol; return plain data')
  if (text.length * 3 > RESULT_BYTES_MAX && Buffer.byteLength(text) > RESULT_BYTES_MAX) {
    return unkeepable(`is larger than ${RESULT_BYTES_MAX} bytes as JSON; store it elsewhere and return where`)
  }
  return { outcome: 'ok', value: text }
}

/** A fault of this one command, so that inside a transaction it can be singled out like any other. */
function unkeepable(why: string): Exception {
  const error = new SpillwayError('handler_result', `the handler's result ${why}`)
  return { outcome: 'exception', fault: 'data', error: errorRecord(error) }
}

function reasonText(reason: unknown): string {
  return boundedText(typeof reason === 'string' ? reason : 'no reason given', ERROR_MESSAGE_MAX)
}

function delay(afterMs: unknown): { afterMs?: number } {
  if (typeof afterMs !== 'number' || Number.isNaN(afterMs)) return {}
  return { afterMs: Math.min(Math.max(0, Math.round(afterMs)), DELAY_MS_MAX) }
}

function wrongResult(what: string): SpillwayError {
  return new SpillwayError('handler_result', `the batch handler ${what}`)
}

function described(value: unknown): string {
  if (value === null) return 'null'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
