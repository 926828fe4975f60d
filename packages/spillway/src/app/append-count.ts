// How much work this process submits, counted around the store that its channels append to.

import type { Clock, ShortWay, Store } from '../ports/index.js'
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
      append: async (drafts, options) => {
        const results = await this.#during(() => store.append(drafts, options))
        for (const { size } of drafts) this.#commands += size
        return results
      },
    }
  }

  /** Somebody waits for its receipts as well, but it leaves nothing to be worked off. */
  aroundShortWay(way: ShortWay): ShortWay {
    return {
      mayDivide: (type) => way.mayDivide(type),
      take: (drafts) => this.#during(() => way.take(drafts)),
    }
  }

  async #during<Result>(append: () => Promise<Result>): Promise<Result> {
    this.#inFlight += 1
    try {
      return await append()
    } finally {
      this.#inFlight -= 1
      this.#endedAt = this.#clock.monotonic()
    }
  }
}
