// Giving commands that failed, died or were cancelled another life: due at once, under the same id, to be executed or in the stage
// they died in.

import { type CommandRef, type RowState, redriveEvent, type Stage, transition } from '../../domain/index.js'
import type { ControlVerdict } from '../../ports/index.js'
import { addTo, idOf, placesSql } from './commands.js'
import { FamilyChanges } from './families.js'
import { PARKED_BY_COMMAND } from './indexes.js'
import { type LockedCommand, lockCommands, refOf } from './locked-commands.js'
import { text } from './sql-text.js'
import type { Verb } from './verbs.js'
import type { Hints } from './wake.js'

/** States after a redrive, and what is done then. */
const STAGES: Readonly<Record<string, Stage>> = {
  retrying: 'execute',
  reconciling: 'reconcile',
  compensating: 'compensate',
}

/** Per command: JSON text that takes the place of its payload; null or none leaves it. */
export function redriver(payloads: readonly (string | null)[]): Verb<string, ControlVerdict> {
  return async (transaction, ids, now, hints) => {
    const commands = await lockCommands(transaction, ids)
    const redrive = new Redrive(hints)
    const verdicts = commands.map((command, place) => redrive.add(command, payloads[place] ?? null))
    return { verdicts, statements: redrive.statements(now) }
  }
}

class Redrive {
  readonly #hints: Hints
  readonly #families = new FamilyChanges()
  readonly #redriven = new Set<string>()
  readonly #byState = new Map<RowState, CommandRef[]>()
  readonly #edits: string[] = []

  constructor(hints: Hints) {
    this.#hints = hints
  }

  add(command: LockedCommand | null, payload: string | null): ControlVerdict {
    if (command === null) return 'not_found'
    const { chunk, state, row } = command
    if (row === null || this.#redriven.has(idOf(command))) return 'conflict'
    const next = transition(state, redriveEvent(state, row.stage)) as RowState | null
    if (next === null) return 'conflict'
    this.#redriven.add(idOf(command))
    this.#families.moved(chunk.id, row.state, next)
    addTo(this.#byState, next, refOf(command))
    if (payload !== null) this.#edits.push(editSql(refOf(command), payload))
    this.#hints.add(chunk.queue, 1)
    return 'ok'
  }

  /** `now` is SQL. */
  statements(now: string): string[] {
    const moves = Array.from(this.#byState, ([state, refs]) => reviveSql(state, refs, now))
    return [...moves, ...this.#edits, ...this.#families.statements(now)]
  }
}

function reviveSql(state: RowState, refs: readonly CommandRef[], now: string): string {
  return `
update ${PARKED_BY_COMMAND}
set state = '${state}', stage = '${STAGES[state]}', next_at = ${now}, attempts = 0, generation = generation + 1, finished_at = null
where ${placesSql(refs)}`
}

function editSql(ref: CommandRef, payload: string): string {
  return `update ${PARKED_BY_COMMAND} set payload = ${text(payload)} where ${placesSql([ref])}`
}
