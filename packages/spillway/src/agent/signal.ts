// Something happened: whoever waits for it looks again.

import type { Clock } from '../ports/index.js'

export class Signal {
  #waiting: (() => void)[] = []

  fire(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** Resolves at the next call of fire. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** The same, or after `ms`. Does not keep a process alive. */
  within(ms: number, clock: Clock): Promise<void> {
    return new Promise((resolve) => {
      const cancel = clock.schedule(ms, () => {
        this.#waiting = this.#waiting.filter((waiting) => waiting !== wake)
        resolve()
      })
      const wake = (): void => {
        cancel()
        resolve()
      }
      this.#waiting.push(wake)
    })
  }
}
