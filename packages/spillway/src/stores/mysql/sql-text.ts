// The store's own values as SQL text. Statements travel as text because only so several of them fit into one round trip. What is
// written here reads the same whatever the session's modes and character set are, and in a library that looks for `?`: a text of
// harmless characters is quoted, any other is sent as base64.

import { CHUNK_BYTES_MAX } from '../../domain/index.js'

/** What base64 adds. */
const BASE64_GROWTH = 4 / 3
/** Bytes of one statement at most: the largest body, and what surrounds it. */
export const STATEMENT_BYTES_MAX = Math.ceil(CHUNK_BYTES_MAX * BASE64_GROWTH) + 1024 * 1024

/** Printable ASCII without the quote, the backslash and the question mark. */
const HARMLESS = /^[ -&(->@-[\]-~]*$/

/** Null becomes `null`. */
export function text(value: string | null): string {
  if (value === null) return 'null'
  if (HARMLESS.test(value)) return `'${value}'`
  return `convert(from_base64('${Buffer.from(value).toString('base64')}') using utf8mb4)`
}

/** A whole number; fractions are cut off. Null becomes `null`. */
export function integer(value: number | null): string {
  return value === null ? 'null' : String(Math.trunc(value))
}

/** `(a, b, c)` of texts. Not for none: SQL has no empty list. */
export function textList(values: Iterable<string>): string {
  return `(${Array.from(values, text).join(', ')})`
}

export function integerList(values: Iterable<number>): string {
  return `(${Array.from(values, integer).join(', ')})`
}

/** A chunk's id as the 16 bytes it stands for. */
export function idBytes(chunkId: string): string {
  return `unhex(${text(chunkId)})`
}

/** Characters of the rows of one statement, beyond the first row. */
const ROWS_LENGTH_MAX = 512 * 1024

/** `${head} row, row, ... ${tail}`: as many statements as the bound in length demands, none for no rows. */
export function multiRow(head: string, rows: readonly string[], tail = ''): string[] {
  const statements: string[] = []
  let batch: string[] = []
  let length = 0
  for (const row of rows) {
    if (batch.length > 0 && length + row.length > ROWS_LENGTH_MAX) {
      statements.push(`${head} ${batch.join(', ')} ${tail}`)
      batch = []
      length = 0
    }
    batch.push(row)
    length += row.length + 2
  }
  if (batch.length > 0) statements.push(`${head} ${batch.join(', ')} ${tail}`)
  return statements
}
