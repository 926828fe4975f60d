// Undoing commands that failed for good, one by one: first the steps that were recorded, then the command as a whole.

import type { Failure } from '../config/index.js'
import { parseMemo } from '../domain/index.js'
import type { ExecutableCommand, ExecuteOptions } from '../ports/index.js'
import { oneByOne } from './bisect.js'
import {
  callOf,
  callOptions,
  checkedForSchema,
  type ExecutionContext,
  type Turn,
} from './execution-context.js'
import { type CallOptions, callHandler } from './handler-call.js'
import { invokeOne } from './invoke.js'
import { contextOf } from './reconcile.js'
import { tried, tryCall } from './run-trial.js'
import { compensatedOutcome } from './stage-answers.js'
import { StepRecord } from './step-record.js'
import { type Call, followAsync, type Outcomes, type Trial } from './trial.js'
import { undoSteps } from './undo-steps.js'
import { mayHaveSteps } from './undoable.js'

/** What is undone is always undone because of something. */
const REFUSED: Failure = { state: 'failed', error: { code: 'failed', message: 'the command was refused' } }

/** One entry per command; null = undone. */
export async function compensateAll(
  context: ExecutionContext,
  turn: Turn,
  options: ExecuteOptions,
): Promise<Outcomes> {
  const { commands, definition, durations } = turn
  const outcomes = await followAsync(oneByOne(commands.length), async (slice) => {
    const call = callOf(turn, slice)
    const startedAt = context.clock.monotonic()
    const trial = await compensateOne(context, call, callOptions(context, definition, options))
    durations.add(slice.from, slice.to, context.clock.monotonic() - startedAt)
    return checkedForSchema(trial, turn, options)
  })
  return outcomes ?? commands.map(() => null)
}

async function compensateOne(context: ExecutionContext, call: Call, options: CallOptions): Promise<Trial> {
  const { compensate } = call.definition
  const [command] = call.commands as [ExecutableCommand]
  const undone = mayHaveSteps(call.definition)
    ? await tried(call, () => undoRecorded(context, call, command, options))
    : null
  if (undone !== null) return { ok: false, exception: undone }
  if (compensate === null) return { ok: true, outcomes: null }
  const failure = parseMemo(command.memo ?? null).failure ?? REFUSED
  return tryCall(
    call,
    (signal) => compensate(command.payload, failure, contextOf(call, signal)),
    (returned) => [compensatedOutcome(returned, call.definition)],
    options,
  )
}

/** Each call has the handler's timeout for itself. */
async function undoRecorded(
  context: ExecutionContext,
  call: Call,
  { id }: ExecutableCommand,
  options: CallOptions,
): Promise<void> {
  const { clock, random, store } = context
  const record = new StepRecord({ shared: store.shared, clock, random }, id)
  await record.load()
  await undoSteps(
    record,
    {
      replay: (steps) => callHandler((signal) => invokeOne(call, signal, undefined, steps), options),
      undo: (run) => callHandler(run, options),
    },
    options.signal,
  )
}
