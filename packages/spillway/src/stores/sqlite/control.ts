// Operators' verbs on stored commands. Whether a verb is allowed is asked of the domain's transition table.

import {
  parseCommandId,
  type RowState,
  redriveEvent,
  type Stage,
  transition,
  VERB_COMMANDS_MAX,
} from '../../domain/index.js'
import { SpillwayError } from '../../errors/index.js'
import type {
  CompletionVerdict,
  ControlVerdict,
  RedriveOptions,
  TokenCompletion,
  VerbOptions,
} from '../../ports/index.js'
import type { Appender } from './append.js'
import { prepareAuditWriter } from './audit.js'
import { prepareCancel } from './cancel.js'
import type { SqliteTx } from './client.js'
import { prepareCommands, type StoredCommand } from './commands.js'
import { prepareComplete } from './completion.js'
import type { Hints } from './hints.js'
import { prepareRowMoves } from './row-moves.js'

/** Inside a write transaction. */
export interface Controller {
  cancel(ids: readonly string[], options: VerbOptions, now: number, hints: Hints): ControlVerdict[]
  redrive(ids: readonly string[], options: RedriveOptions, now: number, hints: Hints): ControlVerdict[]
  discard(ids: readonly string[], options: VerbOptions, now: number, hints: Hints): ControlVerdict[]
  complete(
    items: readonly TokenCompletion[],
    options: VerbOptions,
    now: number,
    hints: Hints,
  ): CompletionVerdict[]
}

/** What a redrive makes of a command: the stage it goes on in. */
const STAGE_OF: Readonly<Partial<Record<RowState, Stage>>> = {
  retrying: 'execute',
  reconciling: 'reconcile',
  compensating: 'compensate',
}

export function prepareController(db: SqliteTx, appender: Appender): Controller {
  const commands = prepareCommands(db)
  const audit = prepareAuditWriter(db)
  const moves = prepareRowMoves(db)
  const cancel = prepareCancel(db, commands)
  const complete = prepareComplete(db)

  function redrive(command: StoredCommand, payload: string | null, now: number, hints: Hints): boolean {
    const { chunk, row, state } = command
    if (row === null) return false
    const to = transition(state, redriveEvent(state, row.stage)) as RowState | null
    const stage = to === null ? undefined : STAGE_OF[to]
    if (to === null || stage === undefined) return false
    moves.redrive(row, to, stage, payload, now)
    hints.add(chunk.queue, 1)
    return true
  }

  function discard({ row, state }: StoredCommand, now: number): boolean {
    if (row === null || transition(state, 'discard') === null) return false
    moves.discard(row, now)
    return true
  }

  /** Does something to each, with what follows and who did it. */
  function each<Item, Verdict extends string>(
    items: readonly Item[],
    act: (item: Item, place: number) => Verdict,
    { appends, audit: note }: VerbOptions,
    now: number,
    hints: Hints,
  ): Verdict[] {
    assertFew(items)
    const verdicts = items.map((item, place) => {
      const verdict = act(item, place)
      const follows = appends?.[place] ?? null
      if (verdict === 'ok' && follows !== null) appender.follow([follows], now, hints)
      return verdict
    })
    const changed = verdicts.filter((verdict) => verdict === 'ok').length
    if (note !== undefined && changed > 0) audit(note, changed, now)
    return verdicts
  }

  function on(id: string, verb: (command: StoredCommand) => boolean): ControlVerdict {
    const ref = parseCommandId(id)
    const command = ref === null ? null : commands.find(ref)
    if (command === null) return 'not_found'
    return verb(command) ? 'ok' : 'conflict'
  }

  return {
    cancel: (ids, options, now, hints) =>
      each(ids, (id) => on(id, (command) => cancel(command, now, hints)), options, now, hints),
    redrive: (ids, options, now, hints) =>
      each(
        ids,
        (id, place) => on(id, (command) => redrive(command, options.payloads?.[place] ?? null, now, hints)),
        ...([options, now, hints] as const),
      ),
    discard: (ids, options, now, hints) =>
      each(ids, (id) => on(id, (command) => discard(command, now)), options, now, hints),
    complete: (items, options, now, hints) =>
      each(items, (item) => complete(item, now, hints), options, now, hints),
  }
}

function assertFew(items: readonly unknown[]): void {
  if (items.length <= VERB_COMMANDS_MAX) return
  throw new SpillwayError(
    'invalid_argument',
    `Name at most ${VERB_COMMANDS_MAX} commands at once, received ${items.length}.`,
  )
}
