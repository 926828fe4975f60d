// Counts what a history has seen of doubts, counterparts, undoing and callbacks.

import type { Called, Change, Completed, Delivered, Replied, Stepped } from '../checker/index.js'
import type { Sometimes } from './sometimes.js'

export class BadDayCount {
  readonly #add: (name: Sometimes) => void
  /** Calls of which a step that was on record has been skipped so far, or one was done. */
  readonly #done = new Set<string>()
  readonly #tried = new Set<string>()

  constructor(add: (name: Sometimes) => void) {
    this.#add = add
  }

  called({ stage }: Called): void {
    if (stage === 'reconcile') this.#add('asked whether it happened')
    if (stage === 'compensate') this.#add('being undone')
  }

  replied({ stage, reply }: Replied): void {
    if (reply === 'applied') this.#add('it had happened')
    if (reply === 'notApplied') this.#add('it had not happened')
    if (reply === 'stillUnknown') this.#add('nobody could say')
    if (stage === 'poll') this.#add('poll answered')
    if (stage === 'compensate' && reply !== 'ok') this.#add('undoing failed')
  }

  stepped({ id, call, step, what }: Stepped): void {
    if (what === 'undone') this.#add('step undone')
    else if (what === 'done') this.#done.add(`${id} ${call} ${step}`)
    else this.#add(this.#done.has(`${id} ${call} ${step}`) ? 'step recorded' : 'step skipped')
  }

  completed({ verdict }: Completed): void {
    if (verdict === 'ok') this.#add('counterpart answered')
    else this.#add(verdict === 'busy' ? 'token of a command that is being polled' : 'token refused')
  }

  delivered({ callback, taken }: Delivered): void {
    if (taken) this.#add('callback taken')
    if (this.#tried.has(callback)) this.#add('callback tried again')
    this.#tried.add(callback)
  }

  changed(changes: readonly Change[]): void {
    for (const { before, after } of changes) {
      if (after?.state === 'pending') this.#add('waits for its counterpart')
      if (after?.state === 'blocked') this.#add('held up by its key')
      if (after?.state === 'compensated') this.#add('undone')
      if (before?.state === 'pending' && after?.state === 'reconciling')
        this.#add('counterpart never answered')
      if (before?.state === 'reconciling' && after?.state === 'dead') this.#add('in doubt to the end')
      if (before?.state === 'compensating' && after?.state === 'dead') this.#add('undoing given up')
    }
  }
}
