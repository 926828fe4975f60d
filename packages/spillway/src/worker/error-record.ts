// Errors as they are kept with a command and shown to people: a code, a bounded message, a bounded stack. Whatever a handler
// throws must become one of these, including things that are no errors and errors whose properties throw.

import { ERROR_MESSAGE_MAX, ERROR_STACK_MAX, type ErrorRecord } from '../domain/index.js'
import { errorCode } from '../errors/index.js'

export function errorRecord(error: unknown): ErrorRecord {
  try {
    return describe(error)
  } catch {
    return { code: errorCode(null), message: 'the handler threw something that cannot be read' }
  }
}

/** No longer than `max` characters, and without NUL, which some databases cannot store in a text. */
export function boundedText(text: string, max: number): string {
  const clean = text.includes('\0') ? text.replaceAll('\0', '') : text
  return clean.length > max ? `${clean.slice(0, max - 3)}...` : clean
}

function describe(error: unknown): ErrorRecord {
  if (typeof error === 'string')
    return { code: errorCode(error), message: boundedText(error, ERROR_MESSAGE_MAX) }
  if (typeof error !== 'object' || error === null) {
    return {
      code: errorCode(error),
      message: `the handler threw ${error === null ? 'null' : `a ${typeof error}`}`,
    }
  }
  const { message, stack } = error as Record<string, unknown>
  const record = {
    code: errorCode(error),
    message:
      typeof message === 'string'
        ? boundedText(message, ERROR_MESSAGE_MAX)
        : 'the handler threw an object without a message',
  }
  return typeof stack === 'string' ? { ...record, stack: boundedText(stack, ERROR_STACK_MAX) } : record
}
