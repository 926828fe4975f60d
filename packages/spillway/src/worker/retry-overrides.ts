// Which of a type's retry overrides an error is meant by. The patterns are the user's, and so is what they are tried on: neither
// may do any harm.

import type { ErrorMatcher } from '../config/index.js'

/** The place of the first that fits; undefined when none does. */
export function overrideFor(matchers: readonly ErrorMatcher[], error: unknown): number | undefined {
  if (matchers.length === 0) return undefined
  const at = matchers.findIndex((matcher) => fits(matcher, error))
  return at === -1 ? undefined : at
}

function fits(matcher: ErrorMatcher, error: unknown): boolean {
  try {
    if (typeof matcher === 'function') return matcher(error) === true
    const { code, name, message } = partsOf(error)
    if (typeof matcher === 'string') return matcher === code || matcher === name
    // search() leaves the pattern's own position alone, which a global or sticky one would carry from error to error.
    return typeof message === 'string' && message.search(matcher) !== -1
  } catch {
    return false
  }
}

function partsOf(error: unknown): Record<string, unknown> {
  if (typeof error === 'string') return { message: error }
  return typeof error === 'object' && error !== null ? (error as Record<string, unknown>) : {}
}
