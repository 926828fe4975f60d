// Commands whose rows a verb moves, while these are locked: which of them are there, and in what state.

import type { CommandRef } from '../../domain/index.js'
import { asked, type LockedRow, lockRowsSql } from './asked-commands.js'
import { familiesById, familiesSql, memberOf, rowsById, type StoredCommand } from './commands.js'
import type { RunResult } from './enlist/index.js'
import { rowsOf } from './select.js'
import type { Transaction } from './session.js'

export type LockedCommand = StoredCommand<LockedRow>

/** One per id; null when the store has no such command. */
export async function lockCommands(
  transaction: Transaction,
  ids: readonly string[],
): Promise<(LockedCommand | null)[]> {
  const { refs, chunkIds } = asked(ids)
  const known = refs.filter((ref) => ref !== null)
  if (known.length === 0) return ids.map(() => null)
  const [locked, found] = (await transaction.send([lockRowsSql(known), familiesSql(chunkIds)])) as [
    RunResult,
    RunResult,
  ]
  const rows = rowsById(rowsOf<LockedRow>(locked))
  const families = familiesById(rowsOf(found))
  return refs.map((ref) => {
    const family = ref === null ? undefined : families.get(ref.chunkId)
    return ref === null || family === undefined ? null : memberOf(family, ref.index, rows)
  })
}

export function refOf({ chunk, index }: Pick<LockedCommand, 'chunk' | 'index'>): CommandRef {
  return { chunkId: chunk.id, index }
}
