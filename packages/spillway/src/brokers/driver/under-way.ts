// Work that a driver has begun and has to see to its end before it closes.

export class UnderWay {
  readonly #all = new Set<Promise<unknown>>()

  add<Value>(work: Promise<Value>): Promise<Value> {
    const tracked = work.finally(() => this.#all.delete(tracked))
    this.#all.add(tracked)
    return tracked
  }

  /** Once all of it has ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#all)
  }
}
