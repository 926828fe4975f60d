// Undoes the recorded steps of one command, the last one first. Each is taken from the record before the next is begun, so that
// a compensation that fails or crashes goes on where it was.

import type { StepRecord } from './step-record.js'
import { StepReplay } from './step-replay.js'
import type { Steps } from './step-session.js'

/** The handler, called with these steps; and any function, called as a handler is: with a timeout. */
export interface UndoCalls {
  replay(steps: Steps): Promise<unknown>
  undo(run: () => unknown): Promise<unknown>
}

/** The handler has changed since the steps were done. */
class UndoMissing extends Error {
  override readonly name = 'UndoMissing'
  readonly code = 'undo_missing'
}

export async function undoSteps(record: StepRecord, calls: UndoCalls, signal: AbortSignal): Promise<void> {
  if (record.steps.length === 0) return
  const undos = await undosOf(record, calls)
  for (const { name } of [...record.steps].reverse()) {
    signal.throwIfAborted()
    const undo = undos.undoOf(name)
    const { result } = record.steps.at(-1) ?? {}
    if (undo !== null && undo !== undefined) await calls.undo(() => undo(result))
    await record.replace(record.steps.slice(0, -1), signal)
  }
}

/** All of them are known before the first is undone. */
async function undosOf(record: StepRecord, calls: UndoCalls): Promise<StepReplay> {
  const replay = new StepReplay(record.steps)
  const failure = await calls.replay(replay).then(
    () => null,
    (error: unknown) => ({ error }),
  )
  const missing = record.steps.find(
    ({ name, undo }) => undo === true && typeof replay.undoOf(name) !== 'function',
  )
  if (missing === undefined) return replay
  if (failure !== null && !replay.ended) throw failure.error
  throw new UndoMissing(
    `step '${missing.name}' was done, but the handler, called again, has no undo for it: it must come by the same steps every time. ` +
      'Deploy a handler that does, and redrive the command',
  )
}
