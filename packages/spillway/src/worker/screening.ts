// Commands that are not to meet their handler yet, or at all: payloads that the schema refuses, where it is asked every time; and
// commands under which a worker died, whose type can be asked whether they happened.

import type { AnyCommand } from '../config/index.js'
import type { Exception, Outcome, Reconciliation } from '../domain/index.js'
import type { ExecutableCommand, ExecuteOptions } from '../ports/index.js'
import { Durations } from './durations.js'
import { aidsOf, type ExecutionContext } from './execution-context.js'
import { reconcileAll } from './reconcile.js'

/** By place, what became of the commands that are held back; null = it succeeded without a value. */
export type HeldBack = ReadonlyMap<number, Outcome | null>

export function needsScreening(
  { revalidate, reconciler }: AnyCommand,
  commands: readonly ExecutableCommand[],
): boolean {
  return revalidate || (reconciler !== null && commands.some(({ doubtful }) => doubtful === true))
}

/** `options` for asking whether commands happened; null = none of them can have. */
export async function screen(
  context: ExecutionContext,
  definition: AnyCommand,
  commands: readonly ExecutableCommand[],
  options: ExecuteOptions | null,
): Promise<HeldBack> {
  const heldBack = definition.revalidate
    ? refusals(await context.payloads.before(definition, commands))
    : new Map<number, Outcome | null>()
  if (options === null) return heldBack
  const doubtful = [...commands.keys()].filter((at) => commands[at]?.doubtful === true && !heldBack.has(at))
  if (doubtful.length === 0 || definition.reconciler === null) return heldBack
  const asked = doubtful.map((at) => commands[at] as ExecutableCommand)
  const turn = { definition, commands: asked, aids: aidsOf(context), durations: new Durations() }
  for (const [place, answer] of (await reconcileAll(context, turn, options)).entries()) {
    const outcome = outcomeOf(answer)
    if (outcome !== undefined) heldBack.set(doubtful[place] as number, outcome)
  }
  return heldBack
}

/** In a synchronous transaction: payloads only, and those only by synchronous schemas. */
export function screenSync(
  { payloads }: ExecutionContext,
  definition: AnyCommand,
  commands: readonly ExecutableCommand[],
): HeldBack {
  return refusals(payloads.beforeSync(definition, commands))
}

function refusals(found: readonly (Exception | null)[]): Map<number, Outcome | null> {
  const heldBack = new Map<number, Outcome | null>()
  for (const [at, exception] of found.entries()) if (exception !== null) heldBack.set(at, exception)
  return heldBack
}

/** Undefined = it did not happen, and may be executed. */
function outcomeOf(answer: Reconciliation | Exception): Outcome | null | undefined {
  if ('outcome' in answer) return { outcome: 'unknown', reason: answer.error.message }
  switch (answer.reconciled) {
    case 'applied':
      return answer.value === undefined ? null : { outcome: 'ok', value: answer.value }
    case 'notApplied':
      return undefined
    case 'stillUnknown':
      return { outcome: 'unknown', reason: answer.reason }
  }
}
