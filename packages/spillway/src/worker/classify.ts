// Whether an error is about the moment (transient: retried whole), about a command's data (bisected until the bad commands
// stand alone), about what the database lacks (schema: the queue is paused) or about something no retry changes (permanent).
// Unknown errors count as data: bisecting costs a few executions, while treating poison as transient would let one bad
// command fail a thousand good ones.

import type { Exception, FaultKind } from '../domain/index.js'
import { isSpillwayError } from '../errors/index.js'
import { databaseFault } from './database-faults.js'
import { errorRecord } from './error-record.js'

export type Classifier = ((error: unknown) => FaultKind | undefined) | null

/** How deep `cause` and `errors` are followed: fetch() hides the socket's error two levels down. */
const CAUSES_MAX = 5

const TRANSIENT_NAMES: ReadonlySet<unknown> = new Set(['AbortError', 'TimeoutError'])

const TRANSIENT_CODES: ReadonlySet<unknown> = new Set([
  // Node: the network or the machine.
  ...['ECONNRESET', 'ECONNREFUSED', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'ESOCKETTIMEDOUT', 'ENOTCONN'],
  ...['ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH', 'ENETDOWN', 'ENETRESET'],
  ...['EAGAIN', 'EBUSY', 'EMFILE', 'ENFILE', 'ENOBUFS', 'EADDRNOTAVAIL', 'ABORT_ERR'],
  // undici, which is fetch().
  ...['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'UND_ERR_SOCKET'],
  ...['UND_ERR_ABORTED', 'UND_ERR_CLOSED', 'UND_ERR_DESTROYED'],
])

/** `override` is asked first; it may be wrong or throw without harm. */
export function classify(error: unknown, override: Classifier = null): FaultKind {
  return asked(override, error) ?? declaredFault(error) ?? 'data'
}

/** What the error says by itself; undefined when it says nothing, or cannot even be read. */
export function declaredFault(error: unknown): FaultKind | undefined {
  try {
    return inherent(error, CAUSES_MAX)
  } catch {
    return undefined
  }
}

export function exceptionOf(error: unknown, override: Classifier = null): Exception {
  return { outcome: 'exception', fault: classify(error, override), error: errorRecord(error) }
}

function asked(override: Classifier, error: unknown): FaultKind | undefined {
  if (override === null) return undefined
  try {
    return faultKind(override(error))
  } catch {
    return undefined
  }
}

function inherent(error: unknown, depth: number): FaultKind | undefined {
  if (typeof error !== 'object' || error === null || depth === 0) return undefined
  const { fault, name, code, cause, errors } = error as Record<string, unknown>
  const declared = faultKind(fault)
  if (declared !== undefined) return declared
  if (isSpillwayError(error)) return error.retryable ? 'transient' : 'permanent'
  if (TRANSIENT_NAMES.has(name) || TRANSIENT_CODES.has(code)) return 'transient'
  const ofDatabase = databaseFault(error as Record<string, unknown>)
  if (ofDatabase !== undefined) return ofDatabase
  // What lies beneath decides, but a cause that is merely permanent says nothing about the whole.
  const inner = inherent(Array.isArray(errors) ? errors[0] : cause, depth - 1)
  return inner === 'permanent' ? undefined : inner
}

const FAULT_KINDS: ReadonlySet<unknown> = new Set<FaultKind>(['transient', 'data', 'permanent', 'schema'])

function faultKind(value: unknown): FaultKind | undefined {
  return FAULT_KINDS.has(value) ? (value as FaultKind) : undefined
}
