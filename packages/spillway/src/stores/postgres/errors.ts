// PostgreSQL's errors in Spillway's words, by SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html
// A database that is away, overloaded, full or read-only is `store_unavailable`: the same call may work later. When the
// connection was lost in mid-call nobody knows whether it was committed, and `details.outcome` says 'unknown'.

import type { FaultKind } from '../../domain/index.js'
import { SpillwayError } from '../../errors/index.js'
import { tlsTroubleOf } from './tls-trouble.js'
import type { Trouble } from './trouble.js'

/** Where an error happened: at what, for messages, and whether a statement may have been under way. */
export interface Place {
  /** Host and database, never a password. */
  readonly where: string
  readonly sent: boolean
}

const LOST: Trouble = { reason: 'connection', message: 'was lost. Check the network and the server.' }
const REFUSED: Trouble = {
  reason: 'connection',
  message: 'does not answer. Check that the server runs and can be reached.',
}
const FULL: Trouble = { reason: 'full', message: 'has no room left. Make room on the disk of the server.' }
const READ_ONLY: Trouble = {
  reason: 'read_only',
  message: 'is read-only: a standby, or set to be so. Connect to the primary.',
}
const BUSY: Trouble = {
  reason: 'busy',
  message: 'could not lock what the call needs. It may be tried again.',
}
const ENDING: Trouble = { reason: 'shutdown', message: 'is starting, stopping or ended the connection.' }
const CROWDED: Trouble = {
  reason: 'connections',
  message:
    'has no free connection. Raise max_connections, or lower connectionsMax of the processes that use it.',
}
const OUT_OF: Trouble = {
  reason: 'resources',
  message: 'is out of memory or another resource of the server.',
}
const SLOW: Trouble = { reason: 'timeout', message: 'did not answer in time.' }
const BROKEN: Trouble = { reason: 'io', message: 'failed to read or write. Check its disk and its log.' }

const TROUBLES: ReadonlyMap<string, Trouble> = new Map([
  ['40001', BUSY],
  ['40P01', BUSY],
  ['40003', LOST],
  ['55P03', BUSY],
  ['25006', READ_ONLY],
  ['25P03', { reason: 'idle_transaction', message: 'ended a transaction that was idle for too long.' }],
  ['57P05', ENDING],
  ['57014', SLOW],
  ['57P01', ENDING],
  ['57P02', ENDING],
  ['57P03', ENDING],
  ['53100', FULL],
  ['53300', CROWDED],
])

/** By the first two characters, where the code has no entry of its own. */
const CLASSES: ReadonlyMap<string, Trouble> = new Map([
  ['08', LOST],
  ['53', OUT_OF],
  ['58', BROKEN],
])

/** Classes of codes that say a row is at fault: data exceptions, constraints, and rows that are too large. */
const DATA_CLASSES: ReadonlySet<string> = new Set(['22', '23', '54'])

/** What is missing, of another type, or not allowed: no retry and no other row changes that. */
const SCHEMA_CODES: ReadonlySet<string> = new Set([
  ...['42P01', '42703', '42883', '42704', '42P02', '3F000', '3D000', '42P10', '42501', '42804', '42809'],
  ...['28000', '28P01', '0A000', '55000', '42P17', '428C9'],
])

/** What a server says to whoever it does not let in. */
const REFUSALS: ReadonlyMap<string, Trouble> = new Map([
  ...['28P01', '28000'].map((state): [string, Trouble] => [
    state,
    {
      reason: 'access_denied',
      message:
        'refused the connection. Check the user and the password of the url, and pg_hba.conf, also for whether it asks for TLS.',
    },
  ]),
  ['3D000', { reason: 'no_database', message: 'does not exist. Create it, or correct the name in the url.' }],
])

/** Prepared statements that are not there, or there already: a proxy gives each transaction another connection. */
export const LOST_STATEMENTS: ReadonlySet<string> = new Set(['26000', '42P05'])

/** What Node says of a socket. */
const SOCKET_CODES: ReadonlySet<string> = new Set([
  ...['ECONNRESET', 'ECONNREFUSED', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'ENOENT'],
  ...[
    'EHOSTUNREACH',
    'EHOSTDOWN',
    'ENETUNREACH',
    'ENETDOWN',
    'ENETRESET',
    'EADDRNOTAVAIL',
    'EMFILE',
    'ENOBUFS',
  ],
  ...['ENOTCONN', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END'],
])

/** The driver has no codes for what it finds itself. */
const LOST_MESSAGE =
  /^(Connection terminated|Client has encountered a connection error|Client was closed|timeout expired|Cannot use a pool)/
const CROWDED_MESSAGE = /^timeout exceeded when trying to connect/
const SLOW_MESSAGE = /^Query read timeout/

/** The SQLSTATE of an error of the server, else null. */
export function sqlState(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return null
  return /^[0-9A-Z]{5}$/.test(error.code) && 'severity' in error ? error.code : null
}

/** Rolled back because of others: the same transaction may be run again at once. */
export function isRetryable(error: unknown): boolean {
  const state = sqlState(error)
  return state === '40001' || state === '40P01'
}

/** Whether the connection the error came from is of no more use. */
export function isConnectionLost(error: unknown): boolean {
  const trouble = troubleOf(error)
  return (
    trouble === LOST ||
    trouble === REFUSED ||
    trouble === ENDING ||
    (trouble === SLOW && sqlState(error) === null)
  )
}

/**
 * How to treat an error of PostgreSQL: `transient` = the database is in trouble, try the whole batch again; `data` = a row is at
 * fault; `schema` = a table, a column or a permission is missing, which no retry mends; `permanent` = anything else.
 */
export function classifyPostgresError(error: unknown): FaultKind {
  if (troubleOf(error) !== null) return 'transient'
  const state = sqlState(error)
  if (state === null) return 'permanent'
  if (DATA_CLASSES.has(state.slice(0, 2))) return 'data'
  return SCHEMA_CODES.has(state) ? 'schema' : 'permanent'
}

/** Lets whoever runs handlers see how to treat the error. */
export function faulty<T>(error: T, fault: FaultKind): T {
  return Object.assign(error as object, { fault }) as T
}

/** What a store's call rejects with. Errors that are not PostgreSQL's pass as they are. */
export function storeError(error: unknown, { where, sent }: Place): unknown {
  if (error instanceof SpillwayError) return error
  const trouble = troubleOf(error)
  if (trouble !== null) return unavailable(trouble, where, error, sent && isConnectionLost(error))
  const state = sqlState(error)
  if (state === null) return error
  if (LOST_STATEMENTS.has(state)) return statementLost(where, error)
  if (SCHEMA_CODES.has(state)) return misfit(where, error as Error, state)
  return new SpillwayError(
    'internal',
    `PostgreSQL refused a statement of the store at ${where}: ${messageOf(error)}`,
    {
      details: { where, sqlState: state },
      cause: error,
    },
  )
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function troubleOf(error: unknown): Trouble | null {
  const state = sqlState(error)
  if (state !== null) return TROUBLES.get(state) ?? CLASSES.get(state.slice(0, 2)) ?? null
  if (!(error instanceof Error)) return null
  // Node tries every address of a host and reports them together.
  const first = error instanceof AggregateError ? (error.errors[0] as unknown) : error
  const code = first instanceof Error && 'code' in first ? first.code : undefined
  if (code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'ENOENT')
    return REFUSED
  if (typeof code === 'string' && SOCKET_CODES.has(code)) return LOST
  if (CROWDED_MESSAGE.test(error.message)) return CROWDED
  if (SLOW_MESSAGE.test(error.message)) return SLOW
  return LOST_MESSAGE.test(error.message) ? LOST : null
}

function unavailable(
  { reason, message }: Trouble,
  where: string,
  cause: unknown,
  unknown: boolean,
): SpillwayError {
  return new SpillwayError('store_unavailable', `The database at ${where} ${message}`, {
    details: { reason, where, ...(unknown ? { outcome: 'unknown' } : {}) },
    cause,
  })
}

/** What a call rejects with that got no connection. */
export function connectError(error: unknown, where: string): unknown {
  const tls = tlsTroubleOf(error, sqlState(error) !== null)
  if (tls !== null) return unavailable(tls, where, error, false)
  const refusal = REFUSALS.get(sqlState(error) ?? '')
  if (refusal !== undefined) return unavailable(refusal, where, error, false)
  const known = storeError(error, { where, sent: false })
  if (known instanceof SpillwayError) return known
  // Authentication and the like: the driver and Node say what, in words of their own.
  const trouble = { reason: 'connection', message: `cannot be connected to: ${messageOf(error)}` }
  return unavailable(trouble, where, error, false)
}

function statementLost(where: string, cause: unknown): SpillwayError {
  return new SpillwayError(
    'store_incompatible',
    `The connection to ${where} does not keep prepared statements: it seems to be PgBouncer in transaction mode. ` +
      'Use postgres(url, { prepare: false, listen: false }), or session mode.',
    { details: { where, reason: 'prepared_statements' }, cause },
  )
}

function misfit(where: string, error: Error, state: string): SpillwayError {
  return new SpillwayError(
    'store_incompatible',
    `The schema of the store at ${where} does not fit, or its user may not use it: ${error.message}. ` +
      'Run `spillway migrate`, and grant the user the rights to the schema.',
    { details: { where, sqlState: state }, cause: error },
  )
}
