// One try of a slice: plainly, or enclosed by a savepoint or transaction so that a try which comes to nothing leaves nothing
// behind.

import { isSpillwayError, SpillwayError } from '../errors/index.js'
import type { SettleScope } from '../ports/index.js'
import { exceptionOf } from './classify.js'
import { errorRecord } from './error-record.js'
import { type CallOptions, callHandler, Interrupted } from './handler-call.js'
import { type Call, invoke, readOutcomes } from './invoke.js'
import { isPromise } from './promise.js'
import type { Trial } from './trial.js'

export type Scope = SettleScope<unknown>

/** Runs the work, keeps its effects, and undoes them when it throws. */
export type Enclosure = (work: (scope: Scope) => void | Promise<void>) => unknown

/** With a timeout and a signal of its own. */
export async function runTrial(call: Call, scope: Scope | null, options: CallOptions): Promise<Trial> {
  try {
    const returned = await callHandler((signal) => invoke(call, signal, scope), options)
    return read(call, returned)
  } catch (error) {
    return threw(call, error)
  }
}

/** In a synchronous transaction: no timer could fire before the handler returned, and a promise cannot be awaited. */
export function runTrialSync(call: Call, scope: Scope, signal: AbortSignal): Trial {
  try {
    const returned = invoke(call, signal, scope)
    return isPromise(returned) ? refusePromise(call, returned) : read(call, returned)
  } catch (error) {
    return threw(call, error)
  }
}

export function undoablySync(call: Call, enclose: Enclosure, run: (scope: Scope) => Trial): Trial {
  const verdict = new Verdict(call)
  try {
    enclose((scope) => verdict.keepOrThrow(run(scope)))
  } catch (error) {
    verdict.undone(error)
  }
  return verdict.trial()
}

export async function undoably(
  call: Call,
  enclose: Enclosure,
  run: (scope: Scope) => Trial | Promise<Trial>,
): Promise<Trial> {
  const verdict = new Verdict(call)
  try {
    await enclose((scope) => {
      const trial = run(scope)
      if (!isPromise(trial)) return verdict.keepOrThrow(trial)
      return trial.then((ended) => verdict.keepOrThrow(ended))
    })
  } catch (error) {
    verdict.undone(error)
  }
  return verdict.trial()
}

/** Carries what the try came to out of its enclosure, past whatever the enclosure throws. */
class Verdict {
  readonly #call: Call
  #trial: Trial | null = null
  #undoing = false

  constructor(call: Call) {
    this.#call = call
  }

  keepOrThrow(trial: Trial): void {
    this.#trial = failure(trial)
    this.#undoing = !this.#trial.ok || asksForRetry(this.#trial)
    if (this.#undoing) throw new Error('rolled back on purpose')
  }

  /** The enclosure threw: because it was told to, or by itself, say when committing, and has undone a good try. */
  undone(error: unknown): void {
    if (!this.#undoing) this.#trial = threw(this.#call, error)
  }

  trial(): Trial {
    return (
      this.#trial ?? threw(this.#call, new SpillwayError('internal', 'a transaction did not run its work'))
    )
  }
}

/** Effects cannot stay when one command of the slice failed; the slice fails as one, so that the bad one is searched for. */
function failure(trial: Trial): Trial {
  if (!trial.ok || trial.outcomes === null) return trial
  for (const outcome of trial.outcomes) {
    if (outcome?.outcome === 'exception') return { ok: false, exception: outcome }
  }
  return trial
}

/** A lone command that asks to be tried again will write its effects again. */
function asksForRetry(trial: Trial): boolean {
  return trial.ok && trial.outcomes?.length === 1 && trial.outcomes[0]?.outcome === 'retry'
}

function read({ definition, commands }: Call, returned: unknown): Trial {
  try {
    return { ok: true, outcomes: readOutcomes(definition, returned, commands.length) }
  } catch (error) {
    // Tried again as it was: nobody can tell which commands the handler meant.
    return failed('transient', error)
  }
}

function threw({ definition }: Call, error: unknown): Trial {
  if (error instanceof Interrupted) return failed('transient', error.error)
  const own = isSpillwayError(error, 'unsupported') || isSpillwayError(error, 'internal')
  return { ok: false, exception: exceptionOf(error, own ? null : definition.classify) }
}

function failed(fault: 'transient' | 'permanent', error: unknown): Trial {
  return { ok: false, exception: { outcome: 'exception', fault, error: errorRecord(error) } }
}

function refusePromise({ definition }: Call, returned: PromiseLike<unknown>): Trial {
  // Nobody will ever await it; its rejection must not end the process.
  returned.then(undefined, () => undefined)
  const error = new SpillwayError(
    'sync_handler_required',
    `the handler of ${definition.name} returned a promise, but this store's transactions are synchronous: an async handler ` +
      "would hold the only write lock while the process waits. Write it without async, or use settlement: 'batched'.",
  )
  return failed('permanent', error)
}
