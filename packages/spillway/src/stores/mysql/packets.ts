// Statements that travel together. A packet is no larger than a single statement may be, so that what fits the server one by one
// fits it together too.

import { STATEMENT_BYTES_MAX } from './sql-text.js'

/** Between the statements of a packet. */
export const SEPARATOR = ';\n'
/** Statements shorter than this are not measured: their bytes are at most three times their characters. */
const SHORT_LENGTH = 64 * 1024

/** Statements that fit into one packet each time. */
export function packets(statements: readonly string[]): string[][] {
  const found: string[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const statement of statements) {
    const more = bytesOf(statement) + SEPARATOR.length
    if (bytes + more > STATEMENT_BYTES_MAX) {
      found.push([])
      bytes = 0
    }
    found.at(-1)?.push(statement)
    bytes += more
  }
  return found
}

function bytesOf(statement: string): number {
  return statement.length < SHORT_LENGTH ? statement.length * 3 : Buffer.byteLength(statement)
}
