// The handler as its author wrote it, called with the commands of one slice.

import type { AnyCommand } from '../config/index.js'
import { SpillwayError } from '../errors/index.js'
import type { ExecutableCommand, SettleScope } from '../ports/index.js'
import { NO_STEPS } from './command-aids.js'
import { CommandCall } from './command-call.js'
import { outcomeOf, outcomesOf } from './handler-outcomes.js'
import type { Steps } from './step-session.js'
import type { Call, Outcomes } from './trial.js'

/** What the handler returned, or a promise of it. `scope` is the transaction to write in; null outside any. Its `tx` is only taken for who gets it. */
export function invoke(call: Call, signal: AbortSignal, scope: SettleScope<unknown> | null): unknown {
  const { definition, commands } = call
  const { handler, name: type, queue } = definition
  switch (handler.kind) {
    case 'one':
      return invokeOne(call, signal, scope?.tx, scope === null ? null : NO_STEPS)
    case 'batch':
      // The array of payloads is the handler's to keep or change; ids and attempts are read from the commands themselves.
      return handler.run(payloadsOf(commands), { type, queue, commands, signal, tx: scope?.tx })
    case 'sink':
      if (scope === null)
        throw new SpillwayError('internal', `the sink of ${type} was called without a transaction`)
      return scope.write(handler.sink.toBulkWrite(payloadsOf(commands)))
    case 'none':
      throw new SpillwayError('unsupported', `this process has no handler for ${type}; give the command one`)
  }
}

/** The handler of kind `one`; `steps` in place of those that are recorded, null = these. */
export function invokeOne(call: Call, signal: AbortSignal, tx: unknown, steps: Steps | null): unknown {
  const { handler, name } = call.definition
  if (handler.kind !== 'one')
    throw new SpillwayError('internal', `${name} has no handler for single commands`)
  return handler.run(call.commands[0]?.payload, new CommandCall(call, signal, tx, steps))
}

/** The outcomes in what a handler of this kind returned. Throws `handler_result`. */
export function readOutcomes(definition: AnyCommand, returned: unknown, size: number): Outcomes | null {
  switch (definition.handler.kind) {
    case 'one': {
      const outcome = outcomeOf(returned, definition)
      return outcome === null ? null : [outcome]
    }
    case 'batch':
      return outcomesOf(returned, size, definition)
    default:
      return null
  }
}

export function payloadsOf(commands: readonly ExecutableCommand[]): unknown[] {
  return commands.map((command) => command.payload)
}
