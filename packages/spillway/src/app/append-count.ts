// How much this process submits, counted around the store that its channels append to.

import type { ChunkDraft } from '../domain/index.js'
import type { Clock, Store } from '../ports/index.js'
import type { OwnAppends } from '../worker/index.js'

export class AppendCount implements OwnAppends {
  readonly #clock: Pick<Clock, 'monotonic'>
  #commands = 0
  #inFlight = 0
  #endedAt = Number.NEGATIVE_INFINITY

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock
  }

  get commands(): number {
    return this.#commands
  }

  get lastAt(): number {
    return this.#inFlight > 0 ? this.#clock.monotonic() : this.#endedAt
  }

  around(store: Store): Store {
    return {
      ...store,
      // Some stores know what they can do only once they are open.
      get capabilities() {
        return store.capabilities
      },
      append: (drafts, options) => this.#counted(drafts, () => store.append(drafts, options)),
      appendSettled: (drafts, rows, options) =>
        this.#counted(drafts, () => store.appendSettled(drafts, rows, options)),
    }
  }

  async #counted<Result>(drafts: readonly ChunkDraft[], append: () => Promise<Result>): Promise<Result> {
    this.#inFlight += 1
    try {
      const result = await append()
      if (result !== null) for (const { size } of drafts) this.#commands += size
      return result
    } finally {
      this.#inFlight -= 1
      this.#endedAt = this.#clock.monotonic()
    }
  }
}
