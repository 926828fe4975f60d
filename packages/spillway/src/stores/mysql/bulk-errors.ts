// What a bulk write rejects with: always with a `fault`, by which the worker knows whether to look for the row that is to
// blame, to wait, or to pause the queue until somebody mended the table.

import type { FaultKind } from '../../domain/index.js'
import { SpillwayError } from '../../errors/index.js'
import type { BulkWrite } from '../../ports/index.js'
import { classifyMysqlError, faulty, isOutOfRange, storeError } from './errors.js'

interface DriverError extends Error {
  readonly code: string
  readonly errno: number
  readonly sqlState: string
}

type Faulty = Error & { readonly fault: FaultKind }

/** A column that the write does not name has no default: no row can be written. */
const NO_DEFAULT = 1364
const NO_DATABASE = 1049
const NO_TABLE = 1146

/** Errors of a row whose messages name columns and constraints, and quote nothing. */
const NAMING_ERRNOS: ReadonlySet<number> = new Set([1048, 1264, 1265, 1406, 1451, 1452, 3819, 4025])
/** `Duplicate entry '...' for key 'email'`, `Incorrect integer value: '...' for column ...` */
const QUOTING = /^(Duplicate entry|Incorrect \w+ value):? '.*' (for (?:key|column) .*)$/s

export function tableError(message: string, cause?: unknown): Faulty {
  return fault(new SpillwayError('invalid_argument', message, { cause }), 'schema')
}

export function bulkError(error: unknown, bulk: BulkWrite, place: string): Faulty {
  if (isFaulty(error)) return error
  if (isOutOfRange(error)) return otherConflict(bulk, error)
  const errno = errnoOf(error)
  if (errno === NO_DEFAULT) return refused(bulk, error)
  if (errno === NO_TABLE || errno === NO_DATABASE) {
    return tableError(`There is no table ${bulk.table}. Create it in the store's database.`, error)
  }
  const kind = classifyMysqlError(error)
  if (kind === 'data') return fault(withoutValues(error as DriverError), kind)
  if (kind === 'transient') return fault(storeError(error, place) as Error, kind)
  if (kind === 'schema') return refused(bulk, error)
  return fault(kind === null ? (error as Error) : withoutValues(error as DriverError), 'permanent')
}

function refused({ table }: BulkWrite, error: unknown): Faulty {
  return tableError(`Table ${table} cannot take this write: ${(error as Error).message}`, error)
}

function otherConflict({ table, key }: BulkWrite, cause: unknown): Faulty {
  const message = `A row for table ${table} equals another one in a unique index that is not the one on (${key.join(', ')}).`
  return fault(new SpillwayError('invalid_argument', message, { cause }), 'data')
}

function fault(error: Error, kind: FaultKind): Faulty {
  return faulty(error, kind) as Faulty
}

function isFaulty(error: unknown): error is Faulty {
  return error instanceof Error && 'fault' in error
}

function errnoOf(error: unknown): number | null {
  if (!(error instanceof Error) || !('errno' in error)) return null
  return typeof error.errno === 'number' ? error.errno : null
}

/** The driver attaches the statement, and the server quotes the value that it refuses; neither may end up in a log. */
function withoutValues({ code, errno, sqlState, message }: DriverError): Error {
  const named = NAMING_ERRNOS.has(errno) ? message : QUOTING.exec(message)?.slice(1).join(' ')
  const told = named ?? `The server refused a row: ${code} (errno ${errno}, SQLSTATE ${sqlState})`
  return Object.assign(new Error(told), { code, errno, sqlState })
}
