// Values of JavaScript as PostgreSQL reads them in text. What becomes of a value is decided by the column's type: an array is
// JSON in a JSON column and an array in an array column.

/** What of a column's type matters for the text of a value. */
export interface ColumnKind {
  readonly name: string
  /** Of the values, or of the elements when the column holds arrays. */
  readonly kind: 'json' | 'bytes' | 'number' | 'other'
  readonly array: boolean
}

/** A value that the column cannot hold: the fault of its row. */
class UnusableValue extends TypeError {
  readonly fault = 'data'

  constructor(column: string, received: string) {
    super(`Column ${column} needs a text, number, boolean, date, bytes or JSON, received ${received}.`)
  }
}

/** Null for null and undefined. Times are UTC. */
export function columnText(value: unknown, column: ColumnKind): string | null {
  if (value === null || value === undefined) return null
  return column.array && Array.isArray(value) ? nestedText(value, column) : scalarText(value, column)
}

function nestedText(items: readonly unknown[], column: ColumnKind): string {
  const texts = items.map((item) => {
    if (Array.isArray(item)) return nestedText(item, column)
    return elementText(item === null || item === undefined ? null : scalarText(item, column))
  })
  return `{${texts.join(',')}}`
}

function scalarText(value: unknown, column: ColumnKind): string {
  switch (typeof value) {
    case 'string':
      if (value.includes('\0')) throw new UnusableValue(column.name, 'a text with a NUL character')
      return value
    case 'number':
    case 'bigint':
      return String(value)
    case 'boolean':
      return column.kind === 'number' ? String(Number(value)) : String(value)
    case 'object':
      return objectText(value as object, column)
    default:
      throw new UnusableValue(column.name, `a ${typeof value}`)
  }
}

function objectText(value: object, { name, kind }: ColumnKind): string {
  if (value instanceof Uint8Array) {
    if (kind !== 'bytes') throw new UnusableValue(name, 'bytes, which only a bytea column holds')
    return `\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`
  }
  if (kind !== 'json' && value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw new UnusableValue(name, 'an invalid date')
    return value.toISOString()
  }
  return jsonText(value, name)
}

function jsonText(value: object, column: string): string {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch {
    throw new UnusableValue(column, 'an object that has no JSON')
  }
  if (text === undefined) throw new UnusableValue(column, 'an object that has no JSON')
  return text
}

/** An array of texts, as a parameter: https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO */
export function arrayText(items: readonly (string | null)[]): string {
  let text = '{'
  for (let at = 0; at < items.length; at += 1) {
    if (at > 0) text += ','
    text += elementText(items[at] as string | null)
  }
  return `${text}}`
}

const ESCAPED_IN_ARRAYS = /["\\]/

function elementText(text: string | null): string {
  if (text === null) return 'NULL'
  return `"${ESCAPED_IN_ARRAYS.test(text) ? text.replace(/["\\]/g, '\\$&') : text}"`
}

const ESCAPED_IN_COPY = /[\\\n\r\t]/
const COPY_ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** A value in a line of COPY: https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS */
export function copyText(text: string | null): string {
  if (text === null) return '\\N'
  return ESCAPED_IN_COPY.test(text)
    ? text.replace(/[\\\n\r\t]/g, (found) => COPY_ESCAPES[found] as string)
    : text
}
