// Values of JavaScript as SQLite stores them.

import type { SqliteValue } from './client.js'
import { faulty } from './errors.js'

/** Booleans become 0 and 1, dates ISO text, objects and arrays JSON text, undefined null. */
export function sqliteValue(value: unknown, exact: boolean, column: string): SqliteValue {
  switch (typeof value) {
    case 'string':
      // One of the two drivers would store only what is before it, without a word.
      if (value.includes('\0')) throw unusable(column, 'a text with a NUL character')
      return value
    case 'bigint':
      return value
    case 'number':
      return exact && Number.isSafeInteger(value) ? BigInt(value) : value
    case 'boolean':
      return exact ? BigInt(value) : Number(value)
    case 'undefined':
      return null
    case 'object':
      return value === null ? null : objectValue(value, column)
    default:
      throw unusable(column, `a ${typeof value}`)
  }
}

function objectValue(value: object, column: string): SqliteValue {
  if (value instanceof Uint8Array) return value
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw unusable(column, 'an invalid date')
    return value.toISOString()
  }
  return jsonOf(value, column) ?? null
}

function jsonOf(value: object, column: string): string | undefined {
  try {
    return JSON.stringify(value)
  } catch (error) {
    throw unusable(column, 'an object that has no JSON', error)
  }
}

function unusable(column: string, received: string, cause?: unknown): Error {
  const message = `Column ${column} needs a text, number, boolean, date, bytes or JSON, received ${received}.`
  return faulty(new TypeError(message, { cause }), 'data')
}
