// The table into which the contract's handlers write, and what of it is there afterwards.

import type { BulkWrite } from '../../ports/index.js'
import type { Scene } from './scene.js'

export interface Effects {
  /** A bulk write of these ids with the number `n`. */
  of(ids: readonly string[], n?: number, onConflict?: BulkWrite['onConflict']): BulkWrite
  /** Id -> n of everything committed. */
  read(): Promise<Record<string, unknown>>
}

export async function makeEffects(scene: Scene): Promise<Effects> {
  const columns = { id: 'text', n: 'integer' } as const
  await scene.subject.createTable({ name: 'effects', columns, key: ['id'] })
  return {
    of: (ids, n = 1, onConflict = 'ignore') => ({
      table: 'effects',
      columns: ['id', 'n'],
      key: ['id'],
      onConflict,
      rows: [...ids].sort().map((id) => [id, n]),
    }),
    async read() {
      const rows = await scene.subject.readTable('effects')
      return Object.fromEntries(rows.map((row) => [String(row.id), row.n]))
    },
  }
}

export interface Daily {
  readonly rows: readonly (readonly unknown[])[]
  /** A bulk write of the rows. */
  write(onConflict: BulkWrite['onConflict']): BulkWrite
  /** What of them is committed, in their order. */
  read(): Promise<unknown[][]>
}

/** A table whose key has two columns, and another one that may be null. */
export async function makeDaily({ subject }: Scene): Promise<Daily> {
  const columns = { course: 'text', day: 'integer', clicks: 'integer' } as const
  const key = ['course', 'day']
  await subject.createTable({ name: 'daily', columns, key })
  const rows = [
    ['maths', 1, null],
    ['maths', 2, 5],
    ['physics', 1, 3],
  ]
  return {
    rows,
    write: (onConflict) => ({ table: 'daily', columns: Object.keys(columns), key, onConflict, rows }),
    async read() {
      const read = await subject.readTable('daily')
      return read.map(({ course, day, clicks }) => [course, day, clicks]).sort()
    },
  }
}
