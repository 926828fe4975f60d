// Which of the commands that are about to fail for good left steps behind that can be undone. An execution knows of the steps it
// came by; those of earlier ones are looked up, and only where the answer changes what follows.

import type { AnyCommand } from '../config/index.js'
import type { Exception, Outcome, Reconciliation } from '../domain/index.js'
import type { ExecutableCommand } from '../ports/index.js'
import { exceptionOf } from './classify.js'
import type { CommandAids } from './command-aids.js'
import type { StepRecords } from './step-records.js'

type Answer = Outcome | Reconciliation | null

export interface Undoables {
  readonly ids: ReadonlySet<string>
  /** Of these the store could not say; nothing may be concluded about them but that it failed. */
  readonly unknown: ReadonlySet<string>
  readonly fault: Exception | null
}

const NONE: Undoables = { ids: new Set(), unknown: new Set(), fault: null }

/** Steps are for handlers of single commands whose effects are not undone by a transaction. */
export function mayHaveSteps({ handler, settlement }: AnyCommand): boolean {
  return handler.kind === 'one' && settlement === 'batched'
}

/** Whether this answer may lead to undoing, if there is something to undo; null = it succeeded. */
function mayLeadToUndoing({ policy }: AnyCommand, answer: Answer): boolean {
  if (answer === null) return false
  if ('reconciled' in answer) return policy.compensation.onDead && answer.reconciled !== 'applied'
  if (answer.outcome === 'failed') return true
  return policy.compensation.onDead && answer.outcome !== 'ok' && answer.outcome !== 'pending'
}

/** `answers[i]` is about `commands[i]`. A promise only where that has to be found out. */
export function undoablesAmong(
  definition: AnyCommand,
  commands: readonly ExecutableCommand[],
  answers: readonly Answer[],
  among: { readonly aids: CommandAids; readonly records: StepRecords },
): Undoables | Promise<Undoables> {
  // A type that undoes commands as a whole does so in any case.
  if (definition.policy.compensates || !mayHaveSteps(definition)) return NONE
  if (!answers.some((answer) => mayLeadToUndoing(definition, answer))) return NONE
  return lookedUp(definition, commands, answers, among)
}

async function lookedUp(
  definition: AnyCommand,
  commands: readonly ExecutableCommand[],
  answers: readonly Answer[],
  { aids, records }: { readonly aids: CommandAids; readonly records: StepRecords },
): Promise<Undoables> {
  const ids = new Set<string>()
  const unknown = new Set<string>()
  for (const [at, { id, resumed }] of commands.entries()) {
    if (!mayLeadToUndoing(definition, answers[at] ?? null)) continue
    const known = aids.session(id)?.undoable
    if (known === true) ids.add(id)
    else if (known !== false && resumed === true) unknown.add(id)
  }
  if (unknown.size === 0) return ids.size === 0 ? NONE : { ids, unknown, fault: null }
  try {
    for (const id of await records.undoable([...unknown])) ids.add(id)
    return { ids, unknown, fault: null }
  } catch (error) {
    return { ids, unknown, fault: exceptionOf(error) }
  }
}

/** The answers, with the fault in place of those about which nothing may be concluded. */
export function withFault<A>(
  commands: readonly ExecutableCommand[],
  answers: readonly A[],
  { unknown, fault }: Undoables,
): readonly (A | Exception)[] {
  if (fault === null) return answers
  return answers.map((answer, at) => (unknown.has(commands[at]?.id ?? '') ? fault : answer))
}
