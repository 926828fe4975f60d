// SQLite's result codes in Spillway's words. A database that is locked, full or failing is `store_unavailable`: nothing was
// acknowledged, and the same call may work later.

import type { FaultKind } from '../../domain/index.js'
import { isSpillwayError, SpillwayError } from '../../errors/index.js'

interface Trouble {
  readonly reason: string
  readonly message: string
}

const BUSY: Trouble = {
  reason: 'busy',
  message: 'is locked by another connection. Look for a transaction that is kept open.',
}
const UNREADABLE: Trouble = {
  reason: 'corrupt',
  message: 'is damaged. Check it with `pragma integrity_check` and restore it from a backup.',
}

/** By primary result code: https://sqlite.org/rescode.html */
const TROUBLES: ReadonlyMap<number, Trouble> = new Map([
  [5, BUSY],
  [6, BUSY],
  [7, { reason: 'memory', message: 'could not be worked on: SQLite ran out of memory.' }],
  [
    8,
    { reason: 'read_only', message: 'cannot be written. Check the permissions of the file and its folder.' },
  ],
  [9, { reason: 'interrupted', message: 'was interrupted in its work.' }],
  [10, { reason: 'io', message: 'failed to read or write. Check the disk.' }],
  [11, UNREADABLE],
  [13, { reason: 'full', message: 'cannot grow: the disk or the page limit is full. Make room.' }],
  [14, { reason: 'cannot_open', message: 'cannot be opened. Check the path and the permissions.' }],
  [15, BUSY],
  [26, { reason: 'not_a_database', message: 'is not a SQLite database. Check the path.' }],
])

const DATA_CODES: ReadonlySet<number> = new Set([18, 19, 20])

/** The primary result code of an error of SQLite, or null when the error is not SQLite's. */
export function resultCode(error: unknown): number | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null
  if (error.code !== 'ERR_SQLITE_ERROR' || !('errcode' in error)) return null
  return typeof error.errcode === 'number' ? error.errcode & 0xff : null
}

/** Thrown by a step that found the database locked before it changed anything: it may be run again. */
export class Locked extends Error {
  constructor(cause: unknown) {
    super('database is locked', { cause })
  }
}

/** What a handler, or the write of its rows, threw inside the transaction: not the store's to interpret. */
class HandlerThrew extends Error {
  constructor(cause: unknown) {
    super('handler threw', { cause })
  }
}

/** Does a handler's part of a transaction: the store's call rejects with what it throws, as it is. */
export function onBehalfOfHandler<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw new HandlerThrew(error)
  }
}

export function lockedIfBusy(error: unknown): unknown {
  const code = resultCode(error)
  return code !== null && TROUBLES.get(code) === BUSY ? new Locked(error) : error
}

/**
 * How to treat an error of SQLite: `transient` = the database is in trouble, try the whole batch again; `data` = a row is at
 * fault (a constraint, a type, a size); `permanent` = the statement can never work (no such table or column).
 */
export function classifySqliteError(error: unknown): FaultKind {
  const code = resultCode(error)
  if (code !== null) return DATA_CODES.has(code) ? 'data' : TROUBLES.has(code) ? 'transient' : 'permanent'
  if (isSpillwayError(error, 'store_unavailable')) return 'transient'
  return isUnbindable(error) ? 'data' : 'permanent'
}

/** Lets whoever runs handlers see how to treat the error. */
export function faulty<T>(error: T, fault: FaultKind): T {
  return Object.assign(error as object, { fault }) as T
}

/** What a store's call rejects with. Errors that are not SQLite's pass as they are, and so does what a handler threw. */
export function storeError(error: unknown, path: string): unknown {
  if (error instanceof HandlerThrew) return error.cause
  if (isClosed(error)) return closedError(path)
  const code = resultCode(error)
  if (code === null) return error
  const trouble = TROUBLES.get(code)
  if (trouble !== undefined) return unavailable(trouble, path, error)
  return new SpillwayError(
    'internal',
    `SQLite refused a statement of the store on ${path}: ${messageOf(error)}`,
    {
      details: { path, sqliteCode: code },
      cause: error,
    },
  )
}

export function closedError(path: string): SpillwayError {
  return new SpillwayError('closed', `The store on ${path} is not open: call open() first.`, {
    details: { path },
  })
}

export function busyError(path: string, waitedMs: number): SpillwayError {
  return unavailable(BUSY, path, undefined, { waitedMs: Math.round(waitedMs) })
}

function unavailable(trouble: Trouble, path: string, cause: unknown, details = {}): SpillwayError {
  return new SpillwayError('store_unavailable', `The database ${path} ${trouble.message}`, {
    details: { reason: trouble.reason, path, ...details },
    cause,
  })
}

/** A value that SQLite has no type or no room for. */
function isUnbindable(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false
  return error.code === 'ERR_INVALID_ARG_TYPE' || error.code === 'ERR_INVALID_ARG_VALUE'
}

function isClosed(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_INVALID_STATE'
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
