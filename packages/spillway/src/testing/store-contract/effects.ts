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
