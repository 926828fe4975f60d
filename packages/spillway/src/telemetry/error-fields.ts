// An error as it may stand in a log: type, code, message and stack, bounded and without credentials. Never its other
// properties, because database drivers hang statements, parameters and connection strings on their errors.

import { ERROR_MESSAGE_MAX, ERROR_STACK_MAX } from '../domain/index.js'

/** Links of `cause` that are followed. */
const CAUSES_MAX = 3

export interface ErrorFields {
  readonly type: string
  readonly message: string
  readonly code?: string
  readonly stack?: string
  readonly cause?: ErrorFields
}

export function errorFields(error: unknown, causesLeft: number = CAUSES_MAX): ErrorFields {
  if (!(error instanceof Error)) return { type: typeof error, message: thrownText(error) }
  const code =
    'code' in error && (typeof error.code === 'string' || typeof error.code === 'number')
      ? String(error.code)
      : undefined
  return {
    type: error.name,
    message: safeText(error.message, ERROR_MESSAGE_MAX),
    ...(code === undefined ? {} : { code: safeText(code, ERROR_MESSAGE_MAX) }),
    ...(error.stack === undefined ? {} : { stack: safeText(error.stack, ERROR_STACK_MAX) }),
    ...(error.cause === undefined || causesLeft === 0
      ? {}
      : { cause: errorFields(error.cause, causesLeft - 1) }),
  }
}

function thrownText(thrown: unknown): string {
  return typeof thrown === 'string'
    ? safeText(thrown, ERROR_MESSAGE_MAX)
    : `Something that is not an Error was thrown: ${typeof thrown}.`
}

const CREDENTIALS: readonly (readonly [RegExp, string])[] = [
  // user:password@ of a URL or DSN; a password that is not encoded may contain anything
  [/\b([a-z][a-z0-9+.-]*:\/\/)(?:[^\s/@:]*:[^\s"']+|[^\s/@]+)@/gi, '$1***@'],
  [/\b(bearer|basic)\s+[\w~+/.=-]{4,}/gi, '$1 ***'],
  [/\b((?:password|passwd|pwd|secret|token|api[_-]?key)["']?\s*[=:]\s*["']?)[^\s"',;&]+/gi, '$1***'],
]

/** At most `max` characters, with what looks like a credential replaced. */
export function safeText(text: string, max: number): string {
  // Cut first, so that the patterns run over bounded text.
  let safe = text.length > max ? `${text.slice(0, max - 1)}…` : text
  for (const [pattern, replacement] of CREDENTIALS) safe = safe.replace(pattern, replacement)
  return safe
}
