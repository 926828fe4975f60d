// Asking the counterparts of pending commands for their answers, one by one.

import type { ExecuteOptions } from '../ports/index.js'
import { oneByOne } from './bisect.js'
import {
  callOf,
  callOptions,
  checkedForSchema,
  type ExecutionContext,
  type Turn,
} from './execution-context.js'
import { contextOf } from './reconcile.js'
import { tryCall } from './run-trial.js'
import { polledOutcome } from './stage-answers.js'
import { followAsync, type Outcomes } from './trial.js'

/** One entry per command; null = no answer yet, an exception is none either. */
export async function pollAll(
  context: ExecutionContext,
  turn: Turn,
  options: ExecuteOptions,
): Promise<Outcomes> {
  const { definition, commands, durations } = turn
  const { poll } = definition
  const none = commands.map(() => null)
  // Only the deadline counts.
  if (poll === null) return none
  const outcomes = await followAsync(oneByOne(commands.length), async (slice) => {
    const call = callOf(turn, slice)
    const startedAt = context.clock.monotonic()
    const trial = await tryCall(
      call,
      (signal) => poll(call.commands[0]?.payload, contextOf(call, signal)),
      (returned) => [polledOutcome(returned, definition)],
      callOptions(context, definition, options),
    )
    durations.add(slice.from, slice.to, context.clock.monotonic() - startedAt)
    return checkedForSchema(trial, turn, options)
  })
  return outcomes ?? none
}
