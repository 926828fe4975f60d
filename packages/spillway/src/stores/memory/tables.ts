// In-memory tables for the effects of handlers, so that `into()` and transaction settlement work without a database.
// Every change goes through a transaction that remembers how to undo it: a throw leaves no trace.

import { SpillwayError } from '../../errors/index.js'
import type { BulkWrite } from '../../ports/index.js'

export type MemoryRow = Readonly<Record<string, unknown>>

/** A table as a handler sees it inside its transaction: like a Map, and undone with the transaction. */
export interface MemoryTable {
  readonly size: number
  get(key: string): MemoryRow | undefined
  has(key: string): boolean
  set(key: string, row: MemoryRow): void
  delete(key: string): boolean
  /** Every row with its key, in order of insertion. */
  entries(): [string, MemoryRow][]
}

/** The memory store's transaction. It ends with the settlement; using it later throws. */
export interface MemoryTx {
  /** The table of that name, made on first use. Rows written by `into()` have the key `rowKey(<values of the key columns>)`. */
  table(name: string): MemoryTable
}

export type MemoryTables = Map<string, Map<string, MemoryRow>>

export function newTables(): MemoryTables {
  return new Map()
}

/** The key under which a bulk write stores a row. */
export function rowKey(...values: readonly unknown[]): string {
  return JSON.stringify(values, (_, value) => (typeof value === 'bigint' ? `${value}n` : value))
}

export function copyRow(row: MemoryRow): MemoryRow {
  const copy: Record<string, unknown> = {}
  for (const [column, value] of Object.entries(row)) {
    copy[column] = typeof value === 'object' && value !== null ? structuredClone(value) : value
  }
  return copy
}

/** Runs `work` with a transaction that ends with it; a throw undoes what it changed. */
export function inTransaction<T>(tables: MemoryTables, work: (transaction: TableTransaction) => T): T {
  const transaction = new TableTransaction(tables)
  try {
    return transaction.attempt(() => work(transaction))
  } finally {
    transaction.end()
  }
}

export class TableTransaction implements MemoryTx {
  readonly #tables: MemoryTables
  readonly #undo: (() => void)[] = []
  #ended = false

  constructor(tables: MemoryTables) {
    this.#tables = tables
  }

  table(name: string): MemoryTable {
    const rows = this.#rows(name)
    const live = () => {
      this.#checkOpen()
      return rows
    }
    return {
      get size() {
        return live().size
      },
      has: (key) => live().has(key),
      get: (key) => {
        const row = live().get(key)
        return row === undefined ? undefined : copyRow(row)
      },
      entries: () => [...live()].map(([key, row]) => [key, copyRow(row)]),
      set: (key, row) => this.#set(live(), key, copyRow(row)),
      delete: (key) => this.#delete(live(), key),
    }
  }

  write(bulk: BulkWrite): void {
    const { columns, key, onConflict, rows } = bulk
    const keyColumns = key.map((column) => columns.indexOf(column))
    if (keyColumns.length === 0 || keyColumns.includes(-1)) {
      throw new SpillwayError(
        'invalid_argument',
        `Name key columns of table ${bulk.table} that are among its columns.`,
      )
    }
    const table = this.#rows(bulk.table)
    for (const values of rows) {
      const id = rowKey(...keyColumns.map((column) => values[column]))
      const present = table.get(id)
      if (present !== undefined && onConflict === 'ignore') continue
      const row = Object.fromEntries(columns.map((column, index) => [column, values[index]]))
      this.#set(table, id, copyRow({ ...present, ...row }))
    }
  }

  /** Runs `work`; a throw undoes what was changed since. */
  attempt<T>(work: () => T): T {
    this.#checkOpen()
    const mark = this.#undo.length
    try {
      return work()
    } catch (error) {
      while (this.#undo.length > mark) this.#undo.pop()?.()
      throw error
    }
  }

  end(): void {
    this.#ended = true
  }

  #rows(name: string): Map<string, MemoryRow> {
    this.#checkOpen()
    let rows = this.#tables.get(name)
    if (rows === undefined) {
      rows = new Map()
      this.#tables.set(name, rows)
    }
    return rows
  }

  #set(rows: Map<string, MemoryRow>, key: string, row: MemoryRow): void {
    const before = rows.get(key)
    this.#undo.push(() => (before === undefined ? rows.delete(key) : rows.set(key, before)))
    rows.set(key, row)
  }

  #delete(rows: Map<string, MemoryRow>, key: string): boolean {
    const before = rows.get(key)
    if (before === undefined) return false
    this.#undo.push(() => rows.set(key, before))
    return rows.delete(key)
  }

  #checkOpen(): void {
    if (!this.#ended) return
    throw new SpillwayError(
      'invalid_argument',
      'Use the transaction only until the handler returned: it has ended.',
    )
  }
}
