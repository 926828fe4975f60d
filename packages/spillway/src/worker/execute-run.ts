// Executes a handler call and brings what it came to back to its chunks: noted, to be settled later, or settled in the same
// commit as the handler's effects.

import { callbackDrafts, type LeaseVerdict, type Settlement } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import type {
  CallbackRoute,
  Clock,
  ExecutionReport,
  Executor,
  SettleScope,
  Store,
  Telemetry,
} from '../ports/index.js'
import type { Aftermath, Told } from './aftermath.js'
import type { Part } from './assembler.js'
import { declaredFault, exceptionOf } from './classify.js'
import { errorRecord } from './error-record.js'
import type { HandlerRun } from './handler-run.js'
import { isPlainSuccess, type Mark, stored } from './progress.js'
import { isPromise } from './promise.js'
import { SchemaFault } from './schema-fault.js'

export interface RunContext {
  readonly store: Pick<Store, 'settleWithin'>
  readonly executor: Executor
  readonly clock: Clock
  readonly telemetry: Telemetry
  readonly aftermath: Aftermath
  readonly callbackRoute?: CallbackRoute
}

/**
 * `uncommitted`: the transaction did not commit, or nobody knows. `halted`: the database lacks what the handler needs. `abandoned`:
 * the transaction was undone under a handler that hangs. Of all three nothing was noted.
 */
export type RunResult =
  | { readonly kind: 'noted' }
  | { readonly kind: 'uncommitted'; readonly error: unknown }
  | { readonly kind: 'halted'; readonly fault: SchemaFault }
  | { readonly kind: 'abandoned' }

const NOTED: RunResult = { kind: 'noted' }

export async function executeRun(context: RunContext, run: HandlerRun): Promise<RunResult> {
  try {
    const options = { ...run.options, stage: run.stage }
    const report = await context.executor.execute(run.definition.name, run.commands, options)
    // After a long pause this may come before the timer that watches the deadline.
    const now = context.clock.monotonic()
    for (const { chunk } of run.parts) chunk.stillHeld(now)
    run.note(report)
  } catch (error) {
    if (error instanceof SchemaFault) return { kind: 'halted', fault: error }
    context.telemetry.record({ event: 'fault', where: 'worker.execute', error })
    noteFailure(context, run, error)
  }
  return NOTED
}

/** Every command of the run failed with what no handler is to blame for. */
export function noteFailure(context: RunContext, run: HandlerRun, error: unknown): void {
  const { definition, commands, stage } = run
  const exception = exceptionOf(error)
  const exceptions = commands.map(() => exception)
  run.note(context.executor.conclude(definition.name, commands, exceptions, { stage }))
}

export async function executeRunWithin(context: RunContext, run: HandlerRun): Promise<RunResult> {
  const written: Written[] = []
  let verdicts: readonly LeaseVerdict[]
  try {
    verdicts = await context.store.settleWithin(
      run.chunks.map((chunk) => chunk.ref),
      (scope, valid) => {
        written.length = 0
        const parts = run.over ? [] : run.parts.filter((_, at) => valid[at] === true)
        if (parts.length === 0) return []
        const commands =
          parts.length === run.parts.length ? run.commands : parts.flatMap((part) => part.commands)
        const report = context.executor.executeWithin(run.definition.name, commands, {
          ...run.options,
          scope: scopeOf(run, scope),
        })
        return isPromise(report)
          ? Promise.race([report, run.abandonment()]).then((ended) =>
              settlements(context, parts, ended, written),
            )
          : settlements(context, parts, report, written)
      },
    )
  } catch (error) {
    return notCommitted(run, error)
  }
  for (const [at, { chunk }] of run.parts.entries()) if (verdicts[at] === 'stale') chunk.end('stale')
  for (const each of written) if (verdicts[run.parts.indexOf(each.part)] === 'ok') keep(context, each)
  return NOTED
}

function notCommitted(run: HandlerRun, error: unknown): RunResult {
  if (run.abandoned) return { kind: 'abandoned' }
  if (error instanceof SchemaFault) return { kind: 'halted', fault: error }
  if (declaredFault(error) === 'schema') return { kind: 'halted', fault: new SchemaFault(errorRecord(error)) }
  return { kind: 'uncommitted', error }
}

/** The transaction for as long as the run has it: a handler that returns after all starts no other in it. */
function scopeOf(run: HandlerRun, scope: SettleScope<unknown>): SettleScope<unknown> {
  // Taken before the first savepoint, around which a store may have to guard itself against what is done with it; a sink has no use
  // for it.
  const tx = run.definition.handler.kind === 'sink' ? undefined : scope.tx
  return {
    tx,
    write: (bulk) => scope.write(bulk),
    savepoint(work) {
      if (run.abandoned)
        throw new SpillwayError('handler_timeout', 'the transaction was given up before this command began')
      return scope.savepoint(() => whileHeld(run, work()))
    },
  }
}

/** What comes of it once the transaction is given up never comes: the connection belongs to somebody else by then. */
function whileHeld<T>(run: HandlerRun, value: T): T {
  if (!isPromise(value)) return value
  const endless = new Promise<never>(() => {})
  return value.then(
    (result) => (run.abandoned ? endless : result),
    (error: unknown) => (run.abandoned ? endless : Promise.reject(error)),
  ) as T
}

/** What the settlement of a part says, to be noted once it is committed. */
interface Written {
  readonly part: Part
  readonly report: ExecutionReport
  readonly told: readonly Told[]
  readonly mark: Mark
  readonly complete: boolean
}

function settlements(
  context: RunContext,
  parts: readonly Part[],
  report: ExecutionReport,
  written: Written[],
): Settlement[] {
  let from = 0
  return parts.map((part) => {
    const own = report.slice(from, from + part.commands.length)
    from += part.commands.length
    const settlement = settlementOf(context, part, own)
    const { mark } = part.chunk.progress.pending()
    written.push({
      ...{ part, report: own, told: toldOf(context, part, own), mark },
      complete: settlement.complete,
    })
    return settlement
  })
}

/** `report` is about the part's commands. */
function settlementOf(
  { callbackRoute }: RunContext,
  { chunk, commands }: Part,
  report: ExecutionReport,
): Settlement {
  const pending = chunk.progress.pending()
  const complete = chunk.open === commands.length
  const updates = [...pending.updates]
  const callbacks: string[] = []
  // Of a complete chunk nothing needs to be said about what simply succeeded.
  const finished = complete ? [] : [...pending.finished]
  for (const [at, { index }] of commands.entries()) {
    const update = report[at] ?? null
    if (update?.callback !== undefined) callbacks.push(update.callback)
    if (update !== null && !isPlainSuccess(update)) updates.push(stored(update))
    else if (!complete) finished.push(index)
  }
  const settlement = { ...chunk.ref, updates, finished, complete }
  const drafts = callbackRoute === undefined ? [] : callbackDrafts(callbacks, callbackRoute)
  const appends = [...pending.appends, ...drafts]
  return appends.length === 0 ? settlement : { ...settlement, appends }
}

function toldOf({ aftermath }: RunContext, { commands }: Part, report: ExecutionReport): readonly Told[] {
  const told: Told[] = []
  for (const [at, command] of commands.entries()) {
    const update = report[at] ?? null
    if (aftermath.concerns(update)) told.push({ command, update })
  }
  return told
}

function keep({ aftermath }: RunContext, { part, report, told, mark, complete }: Written): void {
  const { chunk, commands } = part
  if (told.length > 0) aftermath.settled(chunk.lease, told)
  if (chunk.ended) return
  chunk.progress.kept(mark)
  chunk.noteKept(commands, report)
  if (complete) chunk.end('settled')
}
