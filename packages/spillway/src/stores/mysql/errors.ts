// MySQL's errors in Spillway's words. A server that is away, full, locked or shutting down is `store_unavailable`: nothing was
// acknowledged, and the same call may work later. What the server says of a statement of the store may quote payloads and keys,
// so only its number is passed on, but for those errors that name tables, columns and users.

import type { FaultKind } from '../../domain/index.js'
import { isSpillwayError, SpillwayError } from '../../errors/index.js'
import { TLS_REQUIRED, tlsTroubleOf } from './tls-trouble.js'
import type { Trouble } from './trouble.js'

const AWAY: Trouble = {
  reason: 'connection',
  message: 'does not answer. Check that it runs and can be reached; the call may be repeated.',
}
const FULL: Trouble = { reason: 'full', message: 'has no room left on its disk. Make room.' }
const READ_ONLY: Trouble = {
  reason: 'read_only',
  message: 'is read-only. Connect to the primary, or wait until it takes writes again.',
}
const CROWDED: Trouble = {
  reason: 'too_many_connections',
  message: 'has no connection left. Lower poolSize or raise max_connections.',
}
const LOCKED: Trouble = {
  reason: 'locked',
  message: 'holds a lock for too long. Look for a transaction that is kept open.',
}
const CONTENDED: Trouble = { reason: 'deadlock', message: 'undid a transaction in favour of another.' }
const STOPPED: Trouble = { reason: 'interrupted', message: 'stopped a statement in its work.' }
const REFUSED: Trouble = {
  reason: 'access_denied',
  message:
    'refused the connection. Check the user and the password, that the database exists, and whether this user has to ask for TLS (?ssl=true).',
}
const MISSING: Trouble = {
  reason: 'no_database',
  message: 'does not exist. Create it, or correct the name in the url.',
}
const SHORT: Trouble = { reason: 'resources', message: 'is short of memory, threads or files.' }

/** https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html, https://mariadb.com/kb/en/mariadb-error-codes/ */
const TROUBLES: ReadonlyMap<number, Trouble> = new Map([
  ...each([1021, 1114, 3, 20, 28, 1026], FULL),
  ...each([1290, 1792, 1836, 1209], READ_ONLY),
  ...each([1040, 1203, 1226], CROWDED),
  ...each([1205, 3572], LOCKED),
  ...each([1213, 1020, 3058], CONTENDED),
  ...each([1317, 1969, 3024], STOPPED),
  ...each([1044, 1045, 1129, 1130, 1698], REFUSED),
  ...each([1049], MISSING),
  ...each([3159], TLS_REQUIRED),
  ...each([1030, 1037, 1038, 1041, 1135, 1016, 1017], SHORT),
  ...each(
    [1047, 1053, 1077, 1079, 1080, 1152, 1156, 1158, 1159, 1160, 1161, 1184, 1927, 2006, 2013, 4031],
    AWAY,
  ),
])

/** Codes of the driver and of the system's network. */
const AWAY_CODES =
  /^(PROTOCOL_(?!INCORRECT)|E(CONN|PIPE|TIMEDOUT|HOST|NET|NOTFOUND|AI_AGAIN)|HANDSHAKE_|ER_CONN)/

/** Errors that only name things: a table, a column, a privilege, a constraint of the schema. */
const SCHEMA_ERRNOS: ReadonlySet<number> = new Set([
  1054, 1072, 1109, 1142, 1143, 1146, 1176, 1227, 1288, 1305, 1347, 1370, 1449, 1356, 1471,
])
/** Values that a row cannot take, beyond the SQLSTATE classes 22 and 23. */
const DATA_ERRNOS: ReadonlySet<number> = new Set([
  1048, 1062, 1118, 1136, 1153, 1264, 1265, 1292, 1364, 1366, 1367, 1406, 1411, 1416, 1441, 1526, 1586, 1644,
  1690, 3140, 3819, 4025, 4038, 4079,
])

const DUPLICATE_ENTRY = 1062
const DEADLOCK = 1213
const OUT_OF_RANGE = 1690
const CHANGED_SINCE_READ = 1020

interface MysqlError extends Error {
  readonly code?: string
  readonly errno?: number
  readonly sqlState?: string
  readonly fatal?: boolean
}

function each(errnos: readonly number[], trouble: Trouble): [number, Trouble][] {
  return errnos.map((errno) => [errno, trouble])
}

/** Whether the error was raised by the server or by the driver, not by code that used them. */
function isMysqlError(error: unknown): error is MysqlError {
  if (!(error instanceof Error)) return false
  const { code, errno, fatal } = error as MysqlError
  if (typeof errno === 'number' && 'sqlState' in error) return true
  return fatal === true || (typeof code === 'string' && AWAY_CODES.test(code))
}

function troubleOf(error: MysqlError): Trouble | null {
  const known = 'sqlState' in error ? TROUBLES.get(error.errno ?? 0) : undefined
  const trouble = known ?? tlsTroubleOf(error)
  if (trouble !== null) return trouble
  const lost = error.fatal === true || AWAY_CODES.test(error.code ?? '') || error.sqlState?.startsWith('08')
  return lost === true ? AWAY : null
}

/** The connection is of no further use after this error. */
export function endsConnection(error: unknown): boolean {
  return isMysqlError(error) && troubleOf(error) === AWAY
}

export function isDuplicateEntry(error: unknown): boolean {
  return isMysqlError(error) && error.errno === DUPLICATE_ENTRY
}

/** Of a sum that leaves the range of its type, as `mustHold` makes one. */
export function isOutOfRange(error: unknown): boolean {
  return isMysqlError(error) && error.errno === OUT_OF_RANGE
}

/** The server undid the whole transaction; running it again is the remedy it suggests. */
export function isDeadlock(error: unknown): boolean {
  if (isSpillwayError(error, 'store_unavailable')) return error.details.reason === CONTENDED.reason
  return isMysqlError(error) && (error.errno === DEADLOCK || error.errno === CHANGED_SINCE_READ)
}

/** A row or a table was locked for longer than this session waits. */
export function isLockTimeout(error: unknown): boolean {
  return isMysqlError(error) && TROUBLES.get(error.errno ?? 0) === LOCKED
}

/** `release savepoint` and `rollback to savepoint` in a transaction that has none of that name. */
export function isNoSavepoint(error: unknown): boolean {
  return isMysqlError(error) && error.errno === 1305
}

/** What a handler threw inside its transaction: not the store's to interpret. */
export class HandlerThrew extends Error {
  constructor(cause: unknown) {
    super('handler threw', { cause })
  }
}

/** What a change of the schema meets that was made before: table, column, index, or nothing left to drop. */
export function isDoneAlready(error: unknown): boolean {
  return isMysqlError(error) && [1050, 1060, 1061, 1091, 1826].includes(error.errno ?? 0)
}

/**
 * How to treat an error: `transient` = the database is in trouble, try the whole batch again; `data` = a row is at fault (a
 * constraint, a type, a size); `schema` = a table, a column or a privilege is missing; `permanent` = anything else. Null when
 * the error is not of the database.
 */
export function classifyMysqlError(error: unknown): FaultKind | null {
  if (isSpillwayError(error, 'store_unavailable')) return 'transient'
  if (!isMysqlError(error)) return null
  const errno = error.errno ?? 0
  if (DATA_ERRNOS.has(errno)) return 'data'
  if (SCHEMA_ERRNOS.has(errno)) return 'schema'
  if (troubleOf(error) !== null) return 'transient'
  return /^2[23]/.test(error.sqlState ?? '') ? 'data' : 'permanent'
}

/** Lets whoever runs handlers see how to treat the error. */
export function faulty<T>(error: T, fault: FaultKind): T {
  return Object.assign(error as object, { fault }) as T
}

/** What a call of the store rejects with. Errors that are not MySQL's pass as they are. `place` names the database. */
export function storeError(error: unknown, place: string): unknown {
  if (!isMysqlError(error)) return error
  const trouble = troubleOf(error)
  if (trouble !== null) return unavailable(trouble, place, quiet(error))
  const cause = quiet(error)
  return new SpillwayError(
    SCHEMA_ERRNOS.has(error.errno ?? 0) ? 'store_incompatible' : 'internal',
    `MySQL refused a statement of the store on ${place}: ${cause.message}`,
    { details: { place, errno: error.errno }, cause },
  )
}

function unavailable(trouble: Trouble, place: string, cause: unknown): SpillwayError {
  return new SpillwayError('store_unavailable', `The database ${place} ${trouble.message}`, {
    details: { reason: trouble.reason, place },
    cause,
  })
}

/** What was given is never shown: a URL carries a password. */
export function optionsError(expected: string): SpillwayError {
  return new SpillwayError('invalid_argument', `mysql(): expected ${expected}.`)
}

/** No connection of the store became free in time. */
export function exhaustedError(place: string, poolSize: number, waitedMs: number): SpillwayError {
  return new SpillwayError(
    'store_unavailable',
    `All ${poolSize} connections to ${place} were busy for ${waitedMs} ms. Raise poolSize, or look for slow statements.`,
    { details: { reason: 'pool_exhausted', place, poolSize, waitedMs } },
  )
}

/** The call did not come back within its deadline; whether it took effect is unknown. */
export function deadlineError(place: string, queryTimeoutMs: number): SpillwayError {
  return new SpillwayError(
    'store_unavailable',
    `The database ${place} did not answer within ${queryTimeoutMs} ms. The call may be repeated.`,
    { details: { reason: 'deadline', place, queryTimeoutMs } },
  )
}

export function closedError(place: string): SpillwayError {
  return new SpillwayError('closed', `The store on ${place} is not open: call open() first.`, {
    details: { place },
  })
}

/** The error without the statement, which the driver attaches to it, and without values. */
function quiet(error: MysqlError): Error {
  const { code, errno, sqlState } = error
  const named = errno === undefined || SCHEMA_ERRNOS.has(errno) || troubleOf(error) !== null
  const message = named ? error.message : `${code} (errno ${errno}, SQLSTATE ${sqlState})`
  return Object.assign(new Error(message), { code, errno, sqlState })
}
