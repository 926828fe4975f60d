// Problem documents (RFC 9457) of the HTTP interface, turned back into the error they were made from.

import { ERROR_CODES, type ErrorCode, SpillwayError } from '../../errors/index.js'

interface ProblemDocument {
  readonly code?: unknown
  readonly detail?: unknown
  readonly errors?: unknown
  readonly details?: unknown
}

/** `body` is whatever came with the status. */
export function problemError(status: number, body: unknown, base: string): SpillwayError {
  const problem: ProblemDocument = typeof body === 'object' && body !== null ? body : {}
  const code = typeof problem.code === 'string' ? problem.code : ''
  const detail =
    typeof problem.detail === 'string' ? problem.detail : `The server answered with status ${status}.`
  if (Object.hasOwn(ERROR_CODES, code)) {
    return new SpillwayError(code as ErrorCode, detail, { details: detailsOf(problem) })
  }
  if (status === 401)
    return new SpillwayError('invalid_config', `${detail} Set SPILLWAY_TOKEN to the token of ${base}.`)
  const isOurs = code !== '' && code !== 'route_not_found' && code !== 'method_not_allowed'
  return new SpillwayError(codeOfStatus(status), isOurs ? detail : strangeAnswer(status, base))
}

function codeOfStatus(status: number): ErrorCode {
  if (status >= 500 || status === 408 || status === 429) return 'store_unavailable'
  return status >= 300 && status < 400 ? 'invalid_config' : 'invalid_argument'
}

function strangeAnswer(status: number, base: string): string {
  const what = status >= 300 && status < 400 ? 'a redirect' : `status ${status}`
  return `${base} answers with ${what} and not like a Spillway. Check the address, and the path it is mounted under.`
}

function detailsOf({ details, errors }: ProblemDocument): Record<string, unknown> {
  const facts = typeof details === 'object' && details !== null ? { ...details } : {}
  if (!Array.isArray(errors)) return facts
  return {
    ...facts,
    issues: errors.map(({ detail, pointer }) => ({ message: detail, pointer: plainPointer(pointer) })),
  }
}

/** From the fragment form `#/a%20b` to the plain one. */
function plainPointer(fragment: unknown): string {
  if (typeof fragment !== 'string') return ''
  try {
    return decodeURIComponent(fragment.replace(/^#/, ''))
  } catch {
    return fragment
  }
}
