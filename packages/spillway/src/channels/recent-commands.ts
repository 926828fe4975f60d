// The commands that this process accepted lately, so that their outcome can be asked for. There is no index to keep up on the way
// in: ids only grow, so the order of acceptance is the order of ids, and a lookup is a binary search. Bounded by the
// number of ended commands and by the bytes of their results; the oldest are forgotten first.

import { Fifo } from './fifo.js'
import type { HeldCommand } from './held-command.js'

export const RECENT_OUTCOMES_MAX = 10_000
export const RECENT_RESULT_BYTES_MAX = 16 * 1024 * 1024
/** Ended commands kept that took longer than thousands of later ones. */
export const STRAGGLERS_MAX = 100

export class RecentCommands {
  readonly #inOrder = new Fifo<HeldCommand>()
  /** Still alive, or ended at last, after everything around them was forgotten. */
  readonly #stragglers = new Map<string, HeldCommand>()
  readonly #endedStragglers = new Fifo<HeldCommand>()
  /** Commands in order that have ended. */
  #ended = 0
  #resultBytes = 0

  add(held: HeldCommand): void {
    this.#inOrder.push(held)
  }

  /** It has its final state now. */
  end(held: HeldCommand): void {
    if (this.#stragglers.size > 0 && this.#stragglers.has(held.id)) {
      this.#endStraggler(held)
      return
    }
    this.#ended += 1
    this.#resultBytes += resultBytes(held)
    while (this.#ended > RECENT_OUTCOMES_MAX || this.#resultBytes > RECENT_RESULT_BYTES_MAX)
      this.#forgetOldest()
  }

  find(id: string): HeldCommand | undefined {
    let from = 0
    let to = this.#inOrder.length
    while (from < to) {
      const middle = (from + to) >> 1
      if ((this.#inOrder.at(middle) as HeldCommand).id < id) from = middle + 1
      else to = middle
    }
    const found = this.#inOrder.at(from)
    return found?.id === id ? found : this.#stragglers.get(id)
  }

  #forgetOldest(): void {
    const oldest = this.#inOrder.shift() as HeldCommand
    if (oldest.finishedAt === null) {
      this.#stragglers.set(oldest.id, oldest)
    } else {
      this.#ended -= 1
      this.#resultBytes -= resultBytes(oldest)
    }
  }

  #endStraggler(held: HeldCommand): void {
    this.#endedStragglers.push(held)
    if (this.#endedStragglers.length <= STRAGGLERS_MAX) return
    this.#stragglers.delete((this.#endedStragglers.shift() as HeldCommand).id)
  }
}

/** A character in memory takes one or two bytes. */
function resultBytes({ result }: HeldCommand): number {
  return result === null ? 0 : result.length * 2
}
