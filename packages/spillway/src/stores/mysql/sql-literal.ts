// Values of JavaScript as literals of SQL text. A multi-row insert as text is twice as fast as a prepared one, whose parameters
// are sent and converted one by one; and the driver's own escaping makes assignments of objects and local times of dates.

import { text } from './sql-text.js'

/** What of a column's type matters for the text of a value. */
export interface ColumnKind {
  readonly name: string
  readonly kind: 'time' | 'json' | 'other'
}

/** A value that the column cannot hold: the fault of its row. */
class UnusableValue extends TypeError {
  readonly fault = 'data'

  constructor(column: string, received: string) {
    super(
      `Column ${column} needs a text, a finite number, a boolean, a date, bytes or JSON, received ${received}.`,
    )
  }
}

/**
 * Booleans become 1 and 0, bytes a binary string, objects and arrays JSON text, undefined null. Times are UTC, given as a date or
 * as ISO 8601 text, as which they travel in a payload. Relies on a session in utf8mb4 and UTC without NO_BACKSLASH_ESCAPES.
 */
export function sqlLiteral(value: unknown, column: ColumnKind): string {
  if (value === null || value === undefined) return 'null'
  switch (typeof value) {
    case 'string':
      return quotedText(column.kind === 'time' ? timeText(value) : value, column)
    case 'number':
      if (!Number.isFinite(value)) throw new UnusableValue(column.name, String(value))
      return column.kind === 'json' ? `'${value}'` : String(value)
    case 'bigint':
      return column.kind === 'json' ? `'${value}'` : String(value)
    case 'boolean':
      return column.kind === 'json' ? `'${value}'` : value ? '1' : '0'
    case 'object':
      return objectLiteral(value, column)
    default:
      throw new UnusableValue(column.name, `a ${typeof value}`)
  }
}

function quotedText(value: string, column: ColumnKind): string {
  // The encoding would replace half of a surrogate pair without a word, and two keys could become one.
  if (!value.isWellFormed()) throw new UnusableValue(column.name, 'a text with half of a surrogate pair')
  return text(value)
}

function objectLiteral(value: object, column: ColumnKind): string {
  if (value instanceof Uint8Array) {
    return `x'${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}'`
  }
  if (column.kind !== 'json' && value instanceof Date) return dateLiteral(value, column)
  return quotedText(jsonText(value, column), column)
}

function dateLiteral(value: Date, column: ColumnKind): string {
  if (Number.isNaN(value.getTime())) throw new UnusableValue(column.name, 'an invalid date')
  const iso = value.toISOString()
  return quotedText(column.kind === 'time' ? timeText(iso) : iso, column)
}

const ISO_TIME = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:?\d\d)$/i

/** `2026-01-01T12:00:00+02:00` as `2026-01-01 10:00:00.000`; other texts as they are. */
function timeText(given: string): string {
  const [, day, time, zone] = ISO_TIME.exec(given) ?? []
  if (zone === undefined) return given
  if (zone.toUpperCase() === 'Z') return `${day} ${time}`
  const atMs = Date.parse(given)
  return Number.isNaN(atMs) ? given : new Date(atMs).toISOString().slice(0, 23).replace('T', ' ')
}

function jsonText(value: object, column: ColumnKind): string {
  let json: string | undefined
  try {
    json = JSON.stringify(value)
  } catch {
    throw new UnusableValue(column.name, 'an object that has no JSON')
  }
  if (json === undefined) throw new UnusableValue(column.name, 'an object that has no JSON')
  return json
}
