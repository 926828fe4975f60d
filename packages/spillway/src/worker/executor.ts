// Runs commands for whoever holds them, in whatever stage they are: executes them, asks whether they happened, asks their
// counterparts, undoes them. It never decides what follows.

import type { AnyCommand } from '../config/index.js'
import type { Exception } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import type {
  ConcludeOptions,
  ExecutableCommand,
  ExecuteOptions,
  ExecuteWithinOptions,
  ExecutionReport,
  Executor,
  LandedCommands,
  NewSecret,
  Store,
} from '../ports/index.js'
import { failedWith } from './answers.js'
import type { ExecutionContext } from './execution-context.js'
import { HandlerExecution } from './handler-execution.js'
import { PayloadChecks } from './payload-checks.js'
import { isPromise } from './promise.js'
import { Reporter, type ReporterOptions, type TurnFacts } from './reporter.js'
import { type HeldBack, needsScreening, screen, screenSync } from './screening.js'
import { StageExecution } from './stage-execution.js'
import { StepRecords } from './step-records.js'
import { mayHaveSteps } from './undoable.js'

export interface ExecutorOptions extends ReporterOptions {
  readonly definitions: ReadonlyMap<string, AnyCommand>
  readonly store: Pick<Store, 'name' | 'capabilities' | 'settleWithin' | 'shared'>
  readonly clock: ExecutionContext['clock']
  readonly newSecret: NewSecret
}

export function createExecutor(options: ExecutorOptions): Executor {
  return new HandlerExecutor(options)
}

class HandlerExecutor implements Executor {
  readonly #definitions: ReadonlyMap<string, AnyCommand>
  readonly #context: ExecutionContext
  readonly #handlers: HandlerExecution
  readonly #stages: StageExecution

  constructor(options: ExecutorOptions) {
    const { definitions, store, ...ports } = options
    this.#definitions = definitions
    this.#context = {
      ...ports,
      store,
      reporter: new Reporter(options),
      records: new StepRecords({ ...ports, shared: store.shared }),
      payloads: new PayloadChecks(),
    }
    this.#handlers = new HandlerExecution(this.#context)
    this.#stages = new StageExecution(this.#context)
  }

  async execute(
    type: string,
    commands: readonly ExecutableCommand[],
    options: ExecuteOptions,
  ): Promise<ExecutionReport> {
    const definition = this.#definitionOf(type)
    if (commands.length === 0) return []
    const { stage = 'execute' } = options
    if (stage !== 'execute') return this.#stages.run(stage, definition, commands, options)
    const run = (open: readonly ExecutableCommand[]) => this.#handlers.run(definition, open, options)
    if (!needsScreening(definition, commands)) return run(commands)
    const heldBack = await screen(this.#context, definition, commands, options)
    return this.#around(heldBack, definition, commands, run)
  }

  executeWithin(
    type: string,
    commands: readonly ExecutableCommand[],
    options: ExecuteWithinOptions,
  ): ExecutionReport | Promise<ExecutionReport> {
    const definition = this.#definitionOf(type)
    if (commands.length === 0) return []
    const run = (open: readonly ExecutableCommand[]) => this.#handlers.runWithin(definition, open, options)
    if (!definition.revalidate) return run(commands)
    if (this.#context.store.capabilities.transactionalSettle === 'sync')
      return this.#around(screenSync(this.#context, definition, commands), definition, commands, run)
    // What was in doubt was undone with its transaction; only payloads are looked at.
    return screen(this.#context, definition, commands, null).then((heldBack) =>
      this.#around(heldBack, definition, commands, run),
    )
  }

  conclude(
    type: string,
    commands: readonly ExecutableCommand[],
    exceptions: readonly Exception[],
    { stage = 'execute', crashed }: ConcludeOptions = {},
  ): ExecutionReport {
    const definition = this.#definitionOf(type)
    const answers = crashed === true ? { stage, crashed: exceptions } : failedWith(stage, exceptions)
    return this.#context.reporter.report(definition, commands, answers, factsWithoutCall(definition))
  }

  landed(type: string, landed: LandedCommands): void {
    this.#handlers.landed(this.#definitionOf(type), landed)
  }

  forget(ids: readonly string[]): void {
    this.#context.records.forget(ids)
  }

  close(): Promise<void> {
    return this.#context.records.close()
  }

  /** Runs what is not held back, and reports all of it in order. */
  #around(
    heldBack: HeldBack,
    definition: AnyCommand,
    commands: readonly ExecutableCommand[],
    run: (open: readonly ExecutableCommand[]) => ExecutionReport | Promise<ExecutionReport>,
  ): ExecutionReport | Promise<ExecutionReport> {
    if (heldBack.size === 0) return run(commands)
    const early = this.#context.reporter.report(
      definition,
      commands.filter((_, at) => heldBack.has(at)),
      {
        stage: 'execute',
        outcomes: [...heldBack.keys()].sort((a, b) => a - b).map((at) => heldBack.get(at) ?? null),
      },
      factsWithoutCall(definition),
    )
    const open = commands.filter((_, at) => !heldBack.has(at))
    const late = open.length === 0 ? [] : run(open)
    const join = (rest: ExecutionReport): ExecutionReport => {
      const [first, second] = [early.values(), rest.values()]
      return commands.map((_, at) => (heldBack.has(at) ? first : second).next().value ?? null)
    }
    return isPromise(late) ? late.then(join) : join(late)
  }

  #definitionOf(type: string): AnyCommand {
    const definition = this.#definitions.get(type)
    if (definition === undefined)
      throw new SpillwayError('unknown_command', `no command '${type}' is defined here`)
    return definition
  }
}

/** Whether there are steps to undo, or to forget, shows when that is done. */
function factsWithoutCall(definition: AnyCommand): TurnFacts {
  const mayHave = mayHaveSteps(definition)
  return {
    durations: null,
    isUndoable: () => mayHave && definition.policy.compensation.onDead,
    hasRecord: ({ resumed }) => mayHave && resumed === true,
  }
}
