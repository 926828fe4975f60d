// The little SQL a simulated world needs itself, in the words of each database.

import type { TableShape } from '../../store-contract/index.js'

export interface SqlWords {
  readonly quote: '"' | '`'
  /** The types of columns. */
  readonly text: string
  readonly integer: string
}

export function quoted(name: string, { quote }: SqlWords): string {
  return `${quote}${name.replaceAll(quote, quote + quote)}${quote}`
}

export function createTableSql({ name, columns, key }: TableShape, words: SqlWords): string {
  const list = Object.entries(columns).map(([column, type]) => `${quoted(column, words)} ${words[type]}`)
  const unique =
    key.length === 0 ? [] : [`primary key (${key.map((column) => quoted(column, words)).join(', ')})`]
  return `create table ${quoted(name, words)} (${[...list, ...unique].join(', ')})`
}

/** `place` names the nth parameter, counted from 1. */
export function insertSql(
  table: string,
  columns: readonly string[],
  words: SqlWords,
  place: (nth: number) => string,
): string {
  const names = columns.map((column) => quoted(column, words)).join(', ')
  const places = columns.map((_, at) => place(at + 1)).join(', ')
  return `insert into ${quoted(table, words)} (${names}) values (${places})`
}
