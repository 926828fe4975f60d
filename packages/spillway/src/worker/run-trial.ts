// One try of a slice: plainly, or enclosed by a savepoint or transaction so that a try which comes to nothing leaves nothing
// behind.

import type { ErrorMatcher } from '../config/index.js'
import type { Exception } from '../domain/index.js'
import { isSpillwayError, SpillwayError } from '../errors/index.js'
import type { SettleScope } from '../ports/index.js'
import { exceptionOf } from './classify.js'
import { errorRecord } from './error-record.js'
import { type CallOptions, callHandler, Interrupted } from './handler-call.js'
import { invoke, readOutcomes } from './invoke.js'
import { isPromise } from './promise.js'
import { overrideFor } from './retry-overrides.js'
import type { Call, Outcomes, Trial } from './trial.js'

export type Scope = SettleScope<unknown>

/** Runs the work, keeps its effects, and undoes them when it throws. */
export type Enclosure = (work: (scope: Scope) => void | Promise<void>) => unknown

/** With a timeout and a signal of its own. */
export function runTrial(call: Call, scope: Scope | null, options: CallOptions): Promise<Trial> {
  return tryCall(
    call,
    (signal) => invoke(call, signal, scope),
    (returned) => readOutcomes(call.definition, returned, call.commands.length),
    options,
  )
}

/** The same for any function of a command type, with its own way to read what it returned. */
export async function tryCall(
  call: Call,
  run: (signal: AbortSignal) => unknown,
  read: (returned: unknown) => Outcomes | null,
  options: CallOptions,
): Promise<Trial> {
  try {
    return returned(read, await callHandler(run, options), call)
  } catch (error) {
    return threw(call, error)
  }
}

/** Null when the work was done, else what it failed with. */
export async function tried(call: Call, work: () => Promise<void>): Promise<Exception | null> {
  try {
    await work()
    return null
  } catch (error) {
    return thrown(call, error)
  }
}

/** In a synchronous transaction: no timer could fire before the handler returned, and a promise cannot be awaited. */
export function runTrialSync(call: Call, scope: Scope, signal: AbortSignal): Trial {
  try {
    const answer = invoke(call, signal, scope)
    if (isPromise(answer)) return refusePromise(call, answer)
    return returned((value) => readOutcomes(call.definition, value, call.commands.length), answer, call)
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
    this.#undoing = !this.#trial.ok || isToBeUndone(this.#call, this.#trial)
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

/** A lone command that will be tried again, or of which nobody knows whether it happened, will write its effects again. */
function isToBeUndone({ definition }: Call, trial: Trial): boolean {
  if (!trial.ok || trial.outcomes?.length !== 1) return false
  const outcome = trial.outcomes[0]?.outcome
  return (
    outcome === 'retry' ||
    outcome === 'unknown' ||
    (outcome === 'failed' && definition.policy.onFailed === 'retry')
  )
}

function returned(read: (returned: unknown) => Outcomes | null, answer: unknown, call: Call): Trial {
  try {
    return { ok: true, outcomes: read(answer) }
  } catch (error) {
    // Tried again as it was: nobody can tell which commands the handler meant.
    return failed('transient', error, call)
  }
}

/** Nothing was called. */
export function interrupted(call: Call, reason: unknown): Trial {
  return threw(call, new Interrupted(reason))
}

function threw(call: Call, error: unknown): Trial {
  return { ok: false, exception: thrown(call, error) }
}

function thrown(call: Call, error: unknown): Exception {
  if (error instanceof Interrupted) return exceptionWith('transient', error.error, call)
  const own = isSpillwayError(error, 'unsupported') || isSpillwayError(error, 'internal')
  const { classify, overrides } = call.definition
  return withOverride(exceptionOf(error, own ? null : classify), overrides, error)
}

function failed(fault: 'transient' | 'permanent', error: unknown, call: Call): Trial {
  return { ok: false, exception: exceptionWith(fault, error, call) }
}

function exceptionWith(fault: 'transient' | 'permanent', error: unknown, { definition }: Call): Exception {
  return withOverride({ outcome: 'exception', fault, error: errorRecord(error) }, definition.overrides, error)
}

function withOverride(exception: Exception, overrides: readonly ErrorMatcher[], error: unknown): Exception {
  const override = overrideFor(overrides, error)
  return override === undefined ? exception : { ...exception, override }
}

function refusePromise(call: Call, promise: PromiseLike<unknown>): Trial {
  // Nobody will ever await it; its rejection must not end the process.
  promise.then(undefined, () => undefined)
  const error = new SpillwayError(
    'sync_handler_required',
    `the handler of ${call.definition.name} returned a promise, but this store's transactions are synchronous: an async handler ` +
      "would hold the only write lock while the process waits. Write it without async, or use settlement: 'batched'.",
  )
  return failed('permanent', error, call)
}
