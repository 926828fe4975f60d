// Finding out how to undo a command's steps. The functions that undo them exist only while the handler runs, so it is called
// again with every recorded step skipped, and stopped as soon as all of them were met, or where its work would begin.

import type { RecordedStep } from './step-record.js'
import type { Steps } from './step-session.js'

/** What a handler that is stopped gets from `step`; its author may catch it, and gets it again. */
class ReplayEnded extends Error {
  override readonly name = 'ReplayEnded'
}

export type Undo = (result: unknown) => unknown

export class StepReplay implements Steps {
  readonly #recorded: ReadonlyMap<string, RecordedStep>
  readonly #undos = new Map<string, Undo | null>()
  #ended = false

  constructor(recorded: readonly RecordedStep[]) {
    this.#recorded = new Map(recorded.map((step) => [step.name, step]))
  }

  async step<Result>(name: string, _: unknown, undo?: (result: Result) => unknown): Promise<Result> {
    const recorded = this.#recorded.get(name)
    if (this.#ended || recorded === undefined) return this.#end()
    this.#undos.set(name, undo === undefined ? null : (undo as Undo))
    return this.#undos.size === this.#recorded.size ? this.#end() : (recorded.result as Result)
  }

  /** Whether the handler was stopped: nothing that it did from then on counts. */
  get ended(): boolean {
    return this.#ended
  }

  /** Undefined when the handler did not come by a step of that name. */
  undoOf(name: string): Undo | null | undefined {
    return this.#undos.get(name)
  }

  #end(): never {
    this.#ended = true
    throw new ReplayEnded(
      'this call only finds out how to undo the steps that were done; nothing else is to happen in it',
    )
  }
}
