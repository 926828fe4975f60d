// The handler as its author wrote it, called with the commands of one slice.

import type { AnyCommand } from '../config/index.js'
import { SpillwayError } from '../errors/index.js'
import type { ExecutableCommand, SettleScope } from '../ports/index.js'
import { outcomeOf, outcomesOf } from './handler-outcomes.js'
import type { Outcomes } from './trial.js'

/** A handler and what to call it with: exactly one command for a handler of kind `one`. */
export interface Call {
  readonly definition: AnyCommand
  readonly commands: readonly ExecutableCommand[]
}

/** What the handler returned, or a promise of it. `scope` is the transaction to write in; null outside any. */
export function invoke(
  { definition, commands }: Call,
  signal: AbortSignal,
  scope: SettleScope<unknown> | null,
): unknown {
  const { handler, name: type, queue } = definition
  const tx = scope?.tx
  switch (handler.kind) {
    case 'one': {
      const { id, attempt, payload } = commands[0] as ExecutableCommand
      return handler.run(payload, { id, type, queue, attempt, signal, tx })
    }
    case 'batch':
      // The array of payloads is the handler's to keep or change; ids and attempts are read from the commands themselves.
      return handler.run(payloadsOf(commands), { type, queue, commands, signal, tx })
    case 'sink':
      if (scope === null)
        throw new SpillwayError('internal', `the sink of ${type} was called without a transaction`)
      return scope.write(handler.sink.toBulkWrite(payloadsOf(commands)))
    case 'none':
      throw new SpillwayError('unsupported', `this process has no handler for ${type}; give the command one`)
  }
}

/** The outcomes in what a handler of this kind returned. Throws `handler_result`. */
export function readOutcomes(definition: AnyCommand, returned: unknown, size: number): Outcomes | null {
  switch (definition.handler.kind) {
    case 'one': {
      const outcome = outcomeOf(returned)
      return outcome === null ? null : [outcome]
    }
    case 'batch':
      return outcomesOf(returned, size)
    default:
      return null
  }
}

function payloadsOf(commands: readonly ExecutableCommand[]): unknown[] {
  return commands.map((command) => command.payload)
}
