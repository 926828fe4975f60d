// Commands in another stage than execution: whatever they are, this runs outside of transactions, in calls with the timeout and the
// signal that a handler has.

import type { AnyCommand } from '../config/index.js'
import type { Exception, Outcome, Reconciliation, Stage } from '../domain/index.js'
import type { ExecutableCommand, ExecuteOptions, ExecutionReport } from '../ports/index.js'
import type { Answers } from './answers.js'
import { compensateAll } from './compensate.js'
import { Durations } from './durations.js'
import { aidsOf, type ExecutionContext, type Turn } from './execution-context.js'
import { pollAll } from './poll.js'
import { reconcileAll } from './reconcile.js'
import { mayHaveSteps, type Undoables, undoablesAmong, withFault } from './undoable.js'

/** A pending command whose time is up may fail for good like one that was refused. */
const NO_ANSWER: Outcome = Object.freeze({ outcome: 'unknown', reason: 'no answer' })

export class StageExecution {
  readonly #context: ExecutionContext

  constructor(context: ExecutionContext) {
    this.#context = context
  }

  async run(
    stage: Exclude<Stage, 'execute'>,
    definition: AnyCommand,
    commands: readonly ExecutableCommand[],
    options: ExecuteOptions,
  ): Promise<ExecutionReport> {
    const turn = { definition, commands, aids: aidsOf(this.#context), durations: new Durations() }
    const { answers, undoable } = await this.#ask(stage, turn, options)
    return this.#context.reporter.report(definition, commands, answers, {
      durations: turn.durations,
      isUndoable: ({ id }) => undoable.has(id),
      // Steps that were undone are not recorded any more.
      hasRecord: () => stage !== 'compensate' && mayHaveSteps(definition),
    })
  }

  async #ask(
    stage: Exclude<Stage, 'execute'>,
    turn: Turn,
    options: ExecuteOptions,
  ): Promise<{ readonly answers: Answers; readonly undoable: ReadonlySet<string> }> {
    const { commands } = turn
    switch (stage) {
      case 'reconcile': {
        const found = await reconcileAll(this.#context, turn, options)
        const undoables = await this.#undoables(turn, found)
        return {
          answers: { stage, outcomes: withFault(commands, found, undoables) },
          undoable: undoables.ids,
        }
      }
      case 'poll': {
        const found = await pollAll(this.#context, turn, options)
        const undoables = await this.#undoables(
          turn,
          found.map((outcome) => outcome ?? NO_ANSWER),
        )
        return {
          answers: { stage, outcomes: withFault(commands, found, undoables) },
          undoable: undoables.ids,
        }
      }
      case 'compensate':
        return {
          answers: { stage, outcomes: await compensateAll(this.#context, turn, options) },
          undoable: NONE,
        }
    }
  }

  #undoables(
    turn: Turn,
    answers: readonly (Outcome | Reconciliation | Exception)[],
  ): Undoables | Promise<Undoables> {
    return undoablesAmong(turn.definition, turn.commands, answers, { ...this.#context, aids: turn.aids })
  }
}

const NONE: ReadonlySet<string> = new Set()
