// Rows into a table by COPY, in pieces, so that a large batch is never one text. `pg-copy-streams` is optional.

import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ClientBase } from 'pg'
import { type ColumnKind, columnText, copyText } from './column-text.js'

type Rows = readonly (readonly unknown[])[]

export type Copier = (
  client: ClientBase,
  statement: { readonly text: string; readonly query_timeout: number },
  columns: readonly ColumnKind[],
  rows: Rows,
) => Promise<void>

/** Characters of one piece. */
const PIECE_LENGTH_MIN = 64 * 1024

/** Null when the package is not installed. */
export async function loadCopier(): Promise<Copier | null> {
  let from: typeof import('pg-copy-streams').from
  try {
    ;({ from } = await import('pg-copy-streams'))
  } catch {
    return null
  }
  return (client, { text, query_timeout }, columns, rows) => {
    const sink = client.query(Object.assign(from(text), { query_timeout }))
    return pipeline(Readable.from(pieces(columns, rows), { objectMode: false }), sink)
  }
}

function* pieces(columns: readonly ColumnKind[], rows: Rows): Generator<Buffer> {
  let piece = ''
  for (const row of rows) {
    const texts = columns.map((column, place) => copyText(columnText(row[place], column)))
    piece += `${texts.join('\t')}\n`
    if (piece.length >= PIECE_LENGTH_MIN) {
      yield Buffer.from(piece)
      piece = ''
    }
  }
  if (piece !== '') yield Buffer.from(piece)
}
