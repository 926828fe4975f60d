// Asking whether commands happened whose outcome nobody knows: one by one, or many at once as their type is made.

import type { CommandContext, Reconciler } from '../config/index.js'
import type { Exception, Reconciliation } from '../domain/index.js'
import type { ExecuteOptions } from '../ports/index.js'
import { bisect, oneByOne } from './bisect.js'
import {
  callOf,
  callOptions,
  checkedForSchema,
  type ExecutionContext,
  type Turn,
} from './execution-context.js'
import type { CallOptions } from './handler-call.js'
import { payloadsOf } from './invoke.js'
import { tryCall } from './run-trial.js'
import { reconciliationOf, reconciliationsOf } from './stage-answers.js'
import { type Call, followAsync, type Slice, type Trial } from './trial.js'

type Answer = Reconciliation | Exception

/** The type has lost its `reconcile` since these commands were left to it. */
const NOBODY_TO_ASK: Exception = Object.freeze({
  outcome: 'exception',
  fault: 'permanent',
  error: { code: 'unsupported', message: 'the command type has no reconcile function any more' },
})

/** One answer per command; an exception is none. */
export async function reconcileAll(
  context: ExecutionContext,
  turn: Turn,
  options: ExecuteOptions,
): Promise<readonly Answer[]> {
  const { definition, commands, durations } = turn
  const { reconciler } = definition
  if (reconciler === null) return commands.map(() => NOBODY_TO_ASK)
  const answers = new Array<Answer | null>(commands.length).fill(null)
  const ask = async (slice: Slice): Promise<Trial> => {
    const startedAt = context.clock.monotonic()
    const keep = (found: readonly Answer[]): null => {
      for (const [at, answer] of found.entries()) answers[slice.from + at] = answer
      return null
    }
    const trial = await askOnce(
      reconciler,
      callOf(turn, slice),
      keep,
      callOptions(context, definition, options),
    )
    durations.add(slice.from, slice.to, context.clock.monotonic() - startedAt)
    return checkedForSchema(trial, turn, options)
  }
  const plan = reconciler.kind === 'one' ? oneByOne(commands.length) : bisect(commands.length)
  const failures = await followAsync(plan, ask)
  return answers.map((answer, at) => answer ?? (failures?.[at] as Exception))
}

function askOnce(
  reconciler: Reconciler,
  call: Call,
  keep: (found: readonly Answer[]) => null,
  options: CallOptions,
): Promise<Trial> {
  const { definition, commands } = call
  const { name: type, queue } = definition
  if (reconciler.kind === 'batch')
    return tryCall(
      call,
      (signal) => reconciler.run(payloadsOf(commands), { type, queue, commands, signal, tx: undefined }),
      (returned) => keep(reconciliationsOf(returned, commands.length)),
      options,
    )
  return tryCall(
    call,
    (signal) => reconciler.run(commands[0]?.payload, contextOf(call, signal)),
    (returned) => keep([reconciliationOf(returned)]),
    options,
  )
}

/** For the functions that ask about one command or undo it. */
export function contextOf({ definition, commands }: Call, signal: AbortSignal): CommandContext {
  const { name: type, queue } = definition
  const { id = '', attempt = 0 } = commands[0] ?? {}
  return { id, type, queue, attempt, signal }
}
