// What follows in this process once the end of commands is in the store: listeners are told, and what was recorded to resume them
// is removed. Nothing of it happens before, because what was not stored did not happen.

import {
  type ExecutableCommand,
  type Executor,
  type ReportedUpdate,
  type SettledEvent,
  type SettledListener,
  settledEvent,
} from '../ports/index.js'

/** `update` null = it succeeded without a value. */
export interface Told {
  readonly command: ExecutableCommand
  readonly update: ReportedUpdate | null
}

export interface AftermathOptions {
  readonly executor: Pick<Executor, 'forget'>
  readonly listener?: SettledListener
}

export class Aftermath {
  readonly #options: AftermathOptions

  constructor(options: AftermathOptions) {
    this.#options = options
  }

  /** Whether anything will follow; what does not is not worth remembering. */
  concerns(update: ReportedUpdate | null): boolean {
    return update?.forget === true || (this.#options.listener?.listening() ?? false)
  }

  settled(of: Pick<SettledEvent, 'queue' | 'type'>, told: readonly Told[]): void {
    const { executor, listener } = this.#options
    const useless = told.filter(({ update }) => update?.forget === true)
    if (useless.length > 0) executor.forget(useless.map(({ command }) => command.id))
    if (listener?.listening() !== true) return
    const events = told.flatMap(({ command, update }) => settledEvent(command, of, update) ?? [])
    if (events.length > 0) listener.settled(events)
  }
}
