// Rows under aligned headings. Cells are made printable here, so that no command can forget it.

import { printable } from './printable.js'
import type { Output } from './terminal.js'

export interface Column<Row> {
  readonly heading: string
  readonly cell: (row: Row) => string
  /** Numbers align right. */
  readonly right?: boolean
}

/** Characters of a cell; the rest is cut, because one long error would push every other column away. */
const CELL_CHARACTERS_MAX = 80
const GAP = '  '

export function writeTable<Row>(
  output: Output,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  options: { readonly heading?: boolean } = {},
): void {
  const cells = rows.map((row) => columns.map(({ cell }) => shorten(printable(cell(row)))))
  const widths = columns.map(({ heading }, at) =>
    Math.max(heading.length, ...cells.map((row) => length(row[at] as string))),
  )
  const layOut = (texts: readonly string[]): string =>
    texts
      .map((text, at) => pad(text, widths[at] as number, columns[at]?.right === true))
      .join(GAP)
      .trimEnd()
  if (options.heading !== false) {
    output.line(output.paint('bold', layOut(columns.map(({ heading }) => heading.toUpperCase()))))
  }
  for (const row of cells) output.line(layOut(row))
}

/** Names and values, one pair per line. */
export function writeFacts(output: Output, facts: readonly (readonly [string, string])[]): void {
  const width = Math.max(...facts.map(([name]) => name.length))
  for (const [name, value] of facts) {
    output.line(`${output.paint('dim', name.padEnd(width))}${GAP}${printable(value)}`.trimEnd())
  }
}

function length(text: string): number {
  return [...text].length
}

function shorten(text: string): string {
  const characters = [...text]
  return characters.length > CELL_CHARACTERS_MAX
    ? `${characters.slice(0, CELL_CHARACTERS_MAX - 3).join('')}...`
    : text
}

function pad(text: string, width: number, right: boolean): string {
  const space = ' '.repeat(Math.max(0, width - length(text)))
  return right ? space + text : text + space
}
