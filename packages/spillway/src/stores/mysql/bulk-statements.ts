// The text of one shape of bulk write, and how many rows go into one statement.

import type { BulkWrite } from '../../ports/index.js'
import { qualifiedName, quotedName } from './identifiers.js'
import { type ColumnKind, sqlLiteral } from './sql-literal.js'
import { mustHold } from './stops.js'

export interface BulkShape {
  /** In the order of a row's values. */
  readonly columns: readonly ColumnKind[]
  /** What comes before the rows, and what after them. */
  readonly head: string
  readonly tail: string
  /** Bytes of a statement that the server takes. */
  readonly packetBytesMax: number
}

/** More rows in one statement gain nothing. */
const ROWS_MAX = 2_000
/** Nor do more bytes; they would be one long step of this process and of the server. */
const STATEMENT_BYTES_MAX = 4 * 1024 * 1024
/** Bytes of a packet that are not the statement's text. */
const PACKET_MARGIN_BYTES = 64

/** A row that no statement can carry: the fault of the row. */
class RowTooLarge extends RangeError {
  readonly fault = 'data'

  constructor(table: string, bytes: number, packetBytesMax: number) {
    super(
      `A row of ${bytes} bytes for table ${table} does not fit into the server's max_allowed_packet of ${packetBytesMax}: raise it, or store less.`,
    )
  }
}

export function insertHead({ table, columns }: BulkWrite): string {
  return `insert into ${qualifiedName(table)} (${columns.map(quotedName).join(', ')}) values `
}

/**
 * MySQL takes a conflict on any unique index for the one that is meant, and would overwrite the wrong row. Here a row that was
 * found by another index than the key's makes the statement fail.
 */
export function conflictTail({ columns, key, onConflict }: BulkWrite): string {
  const [first] = key
  if (first === undefined) return ''
  const isSame = key.map((column) => `${quotedName(column)} <=> values(${quotedName(column)})`).join(' and ')
  const mustBeSame = mustHold(isSame)
  const others = columns.filter((column) => !key.includes(column))
  const kept = quotedName(first)
  if (onConflict === 'ignore' || others.length === 0) {
    return ` on duplicate key update ${kept} = if(${mustBeSame}, ${kept}, ${kept})`
  }
  const assignments = others.map((column, place) => {
    const name = quotedName(column)
    return place === 0 ? `${name} = if(${mustBeSame}, values(${name}), ${name})` : `${name} = values(${name})`
  })
  return ` on duplicate key update ${assignments.join(', ')}`
}

/** Statements under half of what the server takes; a row that is larger than that has one of its own. */
export function* bulkStatements(shape: BulkShape, { table, rows }: BulkWrite): Generator<string> {
  const { columns, head, tail, packetBytesMax } = shape
  const frameBytes = Buffer.byteLength(head) + Buffer.byteLength(tail) + PACKET_MARGIN_BYTES
  const bytesMax = Math.min(STATEMENT_BYTES_MAX, packetBytesMax / 2) - frameBytes
  let texts: string[] = []
  let bytes = 0
  for (const row of rows) {
    const text = rowText(row, columns)
    const rowBytes = Buffer.byteLength(text) + 1
    if (rowBytes + frameBytes > packetBytesMax) throw new RowTooLarge(table, rowBytes, packetBytesMax)
    if (texts.length > 0 && (texts.length >= ROWS_MAX || bytes + rowBytes > bytesMax)) {
      yield head + texts.join(',') + tail
      texts = []
      bytes = 0
    }
    texts.push(text)
    bytes += rowBytes
  }
  if (texts.length > 0) yield head + texts.join(',') + tail
}

function rowText(row: readonly unknown[], columns: readonly ColumnKind[]): string {
  let text = '('
  for (let place = 0; place < columns.length; place += 1) {
    if (place > 0) text += ','
    text += sqlLiteral(row[place], columns[place] as ColumnKind)
  }
  return `${text})`
}
