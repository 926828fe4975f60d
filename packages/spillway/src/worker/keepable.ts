// Outcomes as they may be kept with a command: bounded, and with values as JSON text. One that cannot be kept is a fault of its
// command alone.

import {
  DELAY_MS_MAX,
  ERROR_MESSAGE_MAX,
  type Exception,
  type HandlerOutcome,
  type Outcome,
  type Pending,
  RESULT_BYTES_MAX,
  TOKEN_LENGTH_MAX,
  TOKEN_LENGTH_MIN,
} from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import { boundedText, errorRecord } from './error-record.js'

/** What the type can do that an outcome may rely on. */
export interface Abilities {
  readonly poll: unknown
}

export function keepable(outcome: HandlerOutcome, abilities: Abilities): Outcome | null {
  switch (outcome.outcome) {
    case 'ok':
      return outcome.value === undefined ? null : withText(outcome.value)
    case 'failed':
      return { outcome: 'failed', reason: reasonText(outcome.reason) }
    case 'retry':
      return { outcome: 'retry', reason: reasonText(outcome.reason), ...delay(outcome.afterMs) }
    case 'unknown':
      return { outcome: 'unknown', reason: reasonText(outcome.reason) }
    case 'pending':
      return checkedPending(outcome, abilities)
  }
}

function checkedPending({ token, deadlineMs }: Pending, { poll }: Abilities): Outcome {
  if (typeof deadlineMs !== 'number' || Number.isNaN(deadlineMs) || deadlineMs < 0)
    return unkeepable("pending(...) needs a deadline, such as pending({ token, deadline: '2h' })")
  const bounded = Math.min(Math.round(deadlineMs), DELAY_MS_MAX)
  if (token === undefined) {
    if (poll !== null) return { outcome: 'pending', deadlineMs: bounded }
    return unkeepable(
      'pending(...) without a token needs a poll function: return pending({ token: ctx.completionToken(), deadline }) or define poll',
    )
  }
  if (typeof token === 'string' && token.length >= TOKEN_LENGTH_MIN && token.length <= TOKEN_LENGTH_MAX)
    return { outcome: 'pending', token, deadlineMs: bounded }
  return unkeepable(
    `pending(...) needs a token of ${TOKEN_LENGTH_MIN} to ${TOKEN_LENGTH_MAX} characters; ctx.completionToken() makes one`,
  )
}

function withText(value: unknown): Outcome {
  const text = resultText(value)
  return typeof text === 'string' ? { outcome: 'ok', value: text } : text
}

/** JSON text of a result, or why it cannot be kept. */
export function resultText(value: unknown): string | Exception {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch {
    return unkeepable('its result cannot be written as JSON; return plain data, without cycles or bigints')
  }
  if (text === undefined) return unkeepable('its result is a function or a symbol; return plain data')
  if (text.length * 3 > RESULT_BYTES_MAX && Buffer.byteLength(text) > RESULT_BYTES_MAX) {
    const why = `its result is larger than ${RESULT_BYTES_MAX} bytes as JSON; store it elsewhere and return where`
    return unkeepable(why)
  }
  return text
}

/** A fault of this one command, so that inside a transaction it can be singled out like any other. */
function unkeepable(why: string): Exception {
  const error = new SpillwayError('handler_result', `what the handler returned cannot be kept: ${why}`)
  return { outcome: 'exception', fault: 'data', error: errorRecord(error) }
}

export function reasonText(reason: unknown): string {
  return boundedText(typeof reason === 'string' ? reason : 'no reason given', ERROR_MESSAGE_MAX)
}

function delay(afterMs: unknown): { afterMs?: number } {
  if (typeof afterMs !== 'number' || Number.isNaN(afterMs)) return {}
  return { afterMs: Math.min(Math.max(0, Math.round(afterMs)), DELAY_MS_MAX) }
}
