// Commands that failed or died and that nobody wants any more: cancelled for good, unless somebody redrives them.

import { type CommandRef, transition } from '../../domain/index.js'
import type { ControlVerdict } from '../../ports/index.js'
import { idOf, placesSql } from './commands.js'
import { FamilyChanges } from './families.js'
import { PARKED_BY_COMMAND } from './indexes.js'
import { lockCommands, refOf } from './locked-commands.js'
import type { Verb } from './verbs.js'

export const discard: Verb<string, ControlVerdict> = async (transaction, ids, now) => {
  const commands = await lockCommands(transaction, ids)
  const families = new FamilyChanges()
  const discarded = new Map<string, CommandRef>()
  const verdicts = commands.map((command): ControlVerdict => {
    if (command === null) return 'not_found'
    const { chunk, row, state } = command
    if (row === null || discarded.has(idOf(command)) || transition(state, 'discard') === null)
      return 'conflict'
    discarded.set(idOf(command), refOf(command))
    families.moved(chunk.id, row.state, 'cancelled')
    return 'ok'
  })
  const statements =
    discarded.size === 0 ? [] : [discardSql([...discarded.values()], now), ...families.statements(now)]
  return { verdicts, statements }
}

function discardSql(refs: readonly CommandRef[], now: string): string {
  return `
update ${PARKED_BY_COMMAND} set state = 'cancelled', generation = generation + 1, finished_at = ${now}
where ${placesSql(refs)}`
}
