// Turns of the event loop, for somebody who needs thousands of them: between two, everything that promises have to do is done.
// A turn asked for by itself costs a round of the loop with its look at the operating system, several times of what happens in
// it. So turns are set ahead while they are used up, more and more of them; one that nobody waits for passes in silence.

import { systemClock } from '../runtime/index.js'

const AHEAD_MAX = 32

export class Turns {
  /** Turns that are set and have not come. */
  #ahead = 0
  /** How many were set last, and whether each of them was waited for. */
  #batch = 0
  #allUsed = true
  #waiting: (() => void) | null = null

  /** Resolves in the next turn. For one caller at a time. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting = resolve
      if (this.#ahead === 0) this.#setAhead()
    })
  }

  #setAhead(): void {
    this.#batch = this.#allUsed ? Math.min(Math.max(1, this.#batch * 2), AHEAD_MAX) : 1
    this.#allUsed = true
    this.#ahead = this.#batch
    for (let turn = 0; turn < this.#batch; turn += 1) systemClock.defer(this.#come)
  }

  readonly #come = (): void => {
    this.#ahead -= 1
    const resolve = this.#waiting
    this.#waiting = null
    if (resolve === null) this.#allUsed = false
    else resolve()
  }
}
