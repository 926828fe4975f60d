// What can go wrong with a bulk write into the application's table. PostgreSQL quotes the value it refuses; these errors are kept
// with commands and logged, so they name the column or constraint and never the value.

import type { FaultKind } from '../../domain/index.js'
import { SpillwayError } from '../../errors/index.js'
import type { BulkWrite } from '../../ports/index.js'
import { classifyPostgresError, faulty, messageOf, sqlState } from './errors.js'

/** A row that the table refuses. */
class RefusedRow extends Error {
  readonly fault: FaultKind = 'data'
  /** The SQLSTATE. */
  readonly code: string

  constructor(table: string, code: string, reason: string) {
    super(`Table ${table} refuses a row: ${reason}.`)
    this.code = code
  }
}

/** The table is missing, or is not as the write needs it: an operator must act. */
export function tableError(message: string, cause?: unknown): SpillwayError {
  return faulty(new SpillwayError('invalid_argument', message, { cause }), 'schema')
}

/**
 * `remembered`: the write went by what was known of the table from before. What does not fit any more is then tried again, by what
 * the table is now.
 */
export function bulkError(
  error: unknown,
  { table, key }: BulkWrite,
  remembered: boolean,
  errorOf: (error: unknown) => unknown,
): unknown {
  if (typeof error === 'object' && error !== null && 'fault' in error) return error
  const fault = classifyPostgresError(error)
  switch (fault) {
    case 'transient':
      return faulty(errorOf(error), fault)
    case 'data':
      return new RefusedRow(table, sqlState(error) as string, reasonOf(error))
    case 'schema':
      if (remembered) return faulty(changedError(table, error), 'transient')
      return tableError(
        `Table ${table} cannot take this write: ${messageOf(error)}. It needs every column written, a unique index on ` +
          `(${key.join(', ')}) and the rights of the store's user.`,
        error,
      )
    default:
      return error
  }
}

/** Data exceptions quote the value; the other messages consist of names. */
function reasonOf(error: unknown): string {
  const message = messageOf(error)
  return sqlState(error)?.startsWith('22') ? message.replace(/".*"/s, '"..."') : message
}

function changedError(table: string, cause: unknown): SpillwayError {
  return new SpillwayError(
    'store_unavailable',
    `Table ${table} was changed: ${messageOf(cause)}. The write is tried again.`,
    {
      details: { table },
      cause,
    },
  )
}
