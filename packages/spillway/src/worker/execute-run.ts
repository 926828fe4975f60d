// Executes a handler call and brings what it came to back to its chunks: noted, to be settled later, or settled in the same
// commit as the handler's effects.

import type { LeaseVerdict, Settlement } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import type {
  Clock,
  ExecutionReport,
  Executor,
  Random,
  SettleScope,
  Store,
  Telemetry,
} from '../ports/index.js'
import type { Part } from './assembler.js'
import { declaredFault, exceptionOf } from './classify.js'
import { errorRecord } from './error-record.js'
import type { HandlerRun } from './handler-run.js'
import type { Mark } from './progress.js'
import { isPromise } from './promise.js'
import { reportOf } from './report.js'
import { SchemaFault } from './schema-fault.js'

export interface RunContext {
  readonly store: Pick<Store, 'settleWithin'>
  readonly executor: Executor
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
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
    const onHung = (): void => run.hang()
    const options = { signal: run.signal, onHung, rejectSchemaFaults: true } as const
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
  const outcomes = run.commands.map(() => exceptionOf(error))
  run.note(reportOf(context, run.definition, run.commands, outcomes))
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
        const onHung = (): void => run.hang()
        const options = { signal: run.signal, onHung, rejectSchemaFaults: true } as const
        const report = context.executor.executeWithin(run.definition.name, commands, {
          ...options,
          scope: scopeOf(run, scope),
        })
        return isPromise(report)
          ? Promise.race([report, run.abandonment()]).then((ended) => settlements(parts, ended, written))
          : settlements(parts, report, written)
      },
    )
  } catch (error) {
    return notCommitted(run, error)
  }
  for (const [at, { chunk }] of run.parts.entries()) if (verdicts[at] === 'stale') chunk.end('stale')
  for (const each of written) keep(each)
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
  return {
    tx: scope.tx,
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
  readonly mark: Mark
  readonly complete: boolean
}

function settlements(parts: readonly Part[], report: ExecutionReport, written: Written[]): Settlement[] {
  let from = 0
  return parts.map((part) => {
    const settlement = settlementOf(part, report, from)
    from += part.commands.length
    written.push({ part, mark: part.chunk.progress.pending().mark, complete: settlement.complete })
    return settlement
  })
}

function settlementOf({ chunk, commands }: Part, report: ExecutionReport, from: number): Settlement {
  const { chunkId, token } = chunk.lease
  const pending = chunk.progress.pending()
  const updates = [...pending.updates]
  for (let at = from; at < from + commands.length; at += 1) {
    const update = report[at] ?? null
    if (update !== null) updates.push(update)
  }
  // Of a complete chunk nothing needs to be said about what simply succeeded.
  if (chunk.open === commands.length) return { chunkId, token, updates, finished: [], complete: true }
  const succeeded = commands.filter((_, at) => (report[from + at] ?? null) === null)
  const finished = [...pending.finished, ...succeeded.map(({ index }) => index)]
  return { chunkId, token, updates, finished, complete: false }
}

function keep({ part: { chunk, commands }, mark, complete }: Written): void {
  if (chunk.ended) return
  chunk.progress.kept(mark)
  chunk.noteKept(commands.length)
  if (complete) chunk.end('settled')
}
