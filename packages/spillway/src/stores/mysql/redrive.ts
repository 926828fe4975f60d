// Giving commands that failed, died or were cancelled another life: due at once, under the same id.

import { commandId, transition } from '../../domain/index.js'
import type { ControlVerdict } from '../../ports/index.js'
import { asked, type LockedRow, lockRowsSql } from './asked-commands.js'
import { familiesById, familiesSql, memberOf, placesSql, rowsById } from './commands.js'
import type { RunResult } from './enlist/index.js'
import { FamilyChanges } from './families.js'
import { PARKED_BY_COMMAND } from './indexes.js'
import { rowsOf } from './select.js'
import type { Transaction } from './session.js'
import type { Hints } from './wake.js'

export async function redrive(
  transaction: Transaction,
  ids: readonly string[],
  now: string,
  hints: Hints,
): Promise<ControlVerdict[]> {
  const { refs, chunkIds } = asked(ids)
  if (chunkIds.size === 0) return ids.map(() => 'not_found')
  const known = refs.filter((ref) => ref !== null)
  const [locked, found] = (await transaction.send([lockRowsSql(known), familiesSql(chunkIds)])) as [
    RunResult,
    RunResult,
  ]
  const rows = rowsById(rowsOf<LockedRow>(locked))
  const families = familiesById(rowsOf(found))
  const changes = new FamilyChanges()
  const redriven = new Set<string>()
  const verdicts = ids.map((id, place): ControlVerdict => {
    const ref = refs[place] ?? null
    const family = ref === null ? undefined : families.get(ref.chunkId)
    const command = ref === null || family === undefined ? null : memberOf(family, ref.index, rows)
    if (command === null) return 'not_found'
    if (command.row === null || redriven.has(id)) return 'conflict'
    if (transition(command.state, 'redrive') === null) return 'conflict'
    redriven.add(id)
    changes.moved(command.chunk.id, command.row.state, 'retrying')
    hints.add(command.chunk.queue, 1)
    return 'ok'
  })
  const moved = known.filter(({ chunkId, index }) => redriven.has(commandId(chunkId, index)))
  if (moved.length > 0) {
    await transaction.finish([
      `
update ${PARKED_BY_COMMAND}
set state = 'retrying', next_at = ${now}, attempts = 0, generation = generation + 1, finished_at = null
where ${placesSql(moved)}`,
      ...changes.statements(now),
    ])
  }
  return verdicts
}
