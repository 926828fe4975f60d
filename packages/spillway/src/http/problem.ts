// Errors as RFC 9457 problem details. Every code of the error table has a status here (a missing one does not compile), and
// so has what only HTTP can get wrong. `type` and `code` are stable; `detail` is for people and may change.

import { ERROR_CODES, type ErrorCode, isSpillwayError, type SpillwayError } from '../errors/index.js'

export const STATUS_OF_CODE = {
  unknown_command: 404,
  invalid_payload: 422,
  invalid_key: 400,
  invalid_argument: 400,
  invalid_config: 500,
  payload_too_large: 413,
  idempotency_conflict: 422,
  not_found: 404,
  expired: 410,
  state_conflict: 409,
  sync_handler_required: 500,
  invalid_signature: 401,
  queue_full: 503,
  discarded: 503,
  token_unknown: 404,
  endpoint_gone: 409,
  quota_exceeded: 429,
  closed: 503,
  store_unavailable: 503,
  journal_full: 503,
  journal_failed: 503,
  broker_unavailable: 503,
  broker_incompatible: 503,
  invalid_envelope: 400,
  wait_timeout: 504,
  handler_timeout: 504,
  worker_crash: 500,
  lease_lost: 500,
  store_incompatible: 503,
  unsupported: 501,
  handler_result: 500,
  internal: 500,
} as const satisfies Record<ErrorCode, number>

/** What goes wrong before Spillway itself is asked. */
export const REQUEST_PROBLEMS = {
  malformed_request: { status: 400, title: 'The request is not well-formed HTTP.' },
  malformed_json: { status: 400, title: 'The body or line is not acceptable JSON.' },
  unauthorized: { status: 401, title: 'A valid bearer token is required.' },
  forbidden_origin: { status: 403, title: 'Requests from other web sites are not accepted.' },
  route_not_found: { status: 404, title: 'There is nothing at this path.' },
  method_not_allowed: { status: 405, title: 'This path does not take this method.' },
  request_timeout: { status: 408, title: 'The request did not arrive in time.' },
  body_too_large: { status: 413, title: 'The body is larger than accepted.' },
  line_too_large: { status: 413, title: 'The line is larger than accepted.' },
  unsupported_media_type: { status: 415, title: 'The content type or encoding is not accepted here.' },
  headers_too_large: { status: 431, title: 'The request headers are larger than accepted.' },
} as const

export type RequestProblemCode = keyof typeof REQUEST_PROBLEMS

/** A request that HTTP refuses by itself. `headers` go into the answer. */
export class RequestError extends Error {
  override readonly name = 'RequestError'
  readonly code: RequestProblemCode
  readonly headers: Readonly<Record<string, string>>

  constructor(code: RequestProblemCode, detail: string, headers: Readonly<Record<string, string>> = {}) {
    super(detail)
    this.code = code
    this.headers = headers
  }
}

export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: ErrorCode | RequestProblemCode
  readonly detail: string
  /** Whether the same request may succeed later without a change. */
  readonly retryable: boolean
  /** When it may, in seconds from now; the header Retry-After says the same. */
  readonly retryAfter?: number
  /** Faults of a payload, each with a JSON pointer in its URI fragment form. */
  readonly errors?: readonly { readonly detail: string; readonly pointer: string }[]
  /** Further facts: ids, limits, states. */
  readonly details?: Readonly<Record<string, unknown>>
}

/** Where nobody knows better. */
const RETRY_AFTER_SECONDS_DEFAULT = 1
const RETRY_AFTER_SECONDS_MAX = 86_400

export function problemOf(error: unknown): Problem {
  if (error instanceof RequestError) return requestProblem(error)
  return isSpillwayError(error) ? spillwayProblem(error) : HIDDEN
}

/** Headers that belong to the answer of this error. */
export function problemHeaders(error: unknown): Readonly<Record<string, string>> {
  if (error instanceof RequestError) return error.headers
  const { retryAfter } = problemOf(error)
  return retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }
}

const problemType = (code: string): string => `urn:spillway:problem:${code}`

function requestProblem({ code, message }: RequestError): Problem {
  const { status, title } = REQUEST_PROBLEMS[code]
  return { type: problemType(code), title, status, code, detail: message, retryable: status === 408 }
}

/** Faults of this side say nothing about its inside: they are in the log. */
const HIDDEN: Problem = {
  type: problemType('internal'),
  title: ERROR_CODES.internal.summary,
  status: STATUS_OF_CODE.internal,
  code: 'internal',
  detail: 'Something failed that should not. The log of the server says what.',
  retryable: false,
}

function spillwayProblem(error: SpillwayError): Problem {
  const { code, category } = error
  const status = STATUS_OF_CODE[code]
  // What is in the wrong state only for a moment says so itself.
  const retryable = error.retryable || error.details.retry === true
  if (category === 'invariant' || status === 500)
    return { ...HIDDEN, type: problemType(code), code, title: ERROR_CODES[code].summary, retryable }
  const { issues, ...details } = error.details
  return {
    type: problemType(code),
    title: ERROR_CODES[code].summary,
    status,
    code,
    detail: error.message,
    retryable,
    ...(retryable && BUSY_STATUSES.has(status) ? { retryAfter: retryAfterSeconds(details) } : {}),
    ...(Array.isArray(issues) ? { errors: issues.map(payloadFault) } : {}),
    ...(Object.keys(details).length === 0 ? {} : { details }),
  }
}

const BUSY_STATUSES: ReadonlySet<number> = new Set([409, 429, 503])

function retryAfterSeconds({ retryAfterMs }: SpillwayError['details']): number {
  if (typeof retryAfterMs !== 'number' || Number.isNaN(retryAfterMs)) return RETRY_AFTER_SECONDS_DEFAULT
  return Math.min(
    Math.max(RETRY_AFTER_SECONDS_DEFAULT, Math.ceil(retryAfterMs / 1_000)),
    RETRY_AFTER_SECONDS_MAX,
  )
}

function payloadFault(issue: unknown): { detail: string; pointer: string } {
  const { message, pointer } = (typeof issue === 'object' && issue !== null ? issue : {}) as {
    message?: unknown
    pointer?: unknown
  }
  return {
    detail: String(message ?? ''),
    pointer: pointerFragment(typeof pointer === 'string' ? pointer : ''),
  }
}

/** RFC 6901 section 6: a JSON pointer as a URI fragment. */
function pointerFragment(pointer: string): string {
  return `#${encodeURI(wellFormed(pointer)).replaceAll('#', '%23')}`
}

/** Without lone surrogates, which encodeURI refuses. */
function wellFormed(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8')
}
