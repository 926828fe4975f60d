// The steps of one execution: each is done once over all executions of its command, because its result is recorded before the
// handler goes on.

import { isUsableKey } from '../config/index.js'
import { STEPS_MAX } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import type { RecordedStep, StepRecord } from './step-record.js'

/** `ctx.step`, as a handler sees it. */
export interface Steps {
  step<Result>(
    name: string,
    run: () => Result | Promise<Result>,
    undo?: (result: Result) => unknown,
  ): Promise<Result>
}

export class StepSession implements Steps {
  readonly #record: StepRecord
  readonly #signal: AbortSignal
  readonly #names = new Set<string>()
  /** Null = nothing was recorded before this execution. */
  #loading: (() => Promise<void>) | null
  #loaded: Promise<void> | null = null
  #isLoaded: boolean
  /** Writes one after the other, whatever the handler does at once. */
  #writing: Promise<unknown> = Promise.resolve()

  /** `resumed`: an earlier execution may have recorded something. */
  constructor(record: StepRecord, resumed: boolean, signal: AbortSignal) {
    this.#record = record
    this.#signal = signal
    this.#loading = resumed ? () => record.load() : null
    this.#isLoaded = !resumed
  }

  /** Whether something is recorded that has an undo; null when that is not known, because the record could not be read. */
  get undoable(): boolean | null {
    return this.#isLoaded ? this.#record.undoable : null
  }

  get recorded(): boolean {
    return this.#record.steps.length > 0
  }

  async step<Result>(
    name: string,
    run: () => Result | Promise<Result>,
    undo?: (result: Result) => unknown,
  ): Promise<Result> {
    this.#enter(name)
    await this.#load()
    const known = this.#record.steps.find((step) => step.name === name)
    if (known !== undefined) return known.result as Result
    this.#signal.throwIfAborted()
    const result = plain(name, await run())
    await this.#add({
      name,
      ...(result === undefined ? {} : { result }),
      ...(undo === undefined ? {} : { undo: true }),
    })
    return result as Result
  }

  #enter(name: string): void {
    if (!isUsableKey(name))
      throw new SpillwayError(
        'invalid_argument',
        'a step needs a name of 1 to 255 characters without control characters',
      )
    if (this.#names.has(name))
      throw new SpillwayError(
        'invalid_argument',
        `step '${name}' was begun twice; every step of a command needs a name of its own`,
      )
    if (this.#names.size === STEPS_MAX)
      throw new SpillwayError(
        'invalid_argument',
        `a command may have ${STEPS_MAX} steps; make one step of several`,
      )
    this.#names.add(name)
  }

  #load(): Promise<void> {
    if (this.#loading === null) return Promise.resolve()
    this.#loaded ??= this.#loading().then(() => {
      this.#isLoaded = true
    })
    return this.#loaded
  }

  #add(step: RecordedStep): Promise<void> {
    const added = this.#writing.then(() => this.#record.replace([...this.#record.steps, step], this.#signal))
    this.#writing = added.catch(() => undefined)
    return added
  }
}

/** As a later execution will get it, so that no execution differs from the others. */
function plain(name: string, result: unknown): unknown {
  if (result === undefined) return undefined
  let text: string | undefined
  try {
    text = JSON.stringify(result)
  } catch (cause) {
    throw unrecordable(name, 'JSON cannot hold it (a cycle or a bigint)', cause)
  }
  if (text === undefined) throw unrecordable(name, 'it is a function or a symbol')
  return JSON.parse(text)
}

/** Permanent: the step was done, and doing it again would not make its result any better. */
function unrecordable(name: string, why: string, cause?: unknown): SpillwayError {
  return new SpillwayError(
    'invalid_argument',
    `the result of step '${name}' cannot be recorded: ${why}; return plain data`,
    { cause },
  )
}
