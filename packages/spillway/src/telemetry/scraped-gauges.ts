// Gauges that describe something outside of this process rather than what it did: read when somebody scrapes, never counted along the way,
// so that they agree with what they describe whatever crashed in between.

export interface ScrapedGaugesParts<Facts> {
  /** All that `write` sets. */
  readonly gauges: readonly { reset(): void }[]
  readonly write: (facts: Facts) => void
}

export class ScrapedGauges<Facts> {
  readonly #parts: ScrapedGaugesParts<Facts>
  #source: (() => Promise<Facts>) | null = null
  #refreshing: Promise<void> | null = null

  constructor(parts: ScrapedGaugesParts<Facts>) {
    this.#parts = parts
  }

  observe(source: () => Promise<Facts>): void {
    this.#source = source
  }

  /** Scrapes that come together share one read of the source. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#read().finally(() => {
      this.#refreshing = null
    })
    return this.#refreshing
  }

  async #read(): Promise<void> {
    if (this.#source === null) return
    let facts: Facts
    try {
      facts = await this.#source()
    } catch {
      // Series that are absent say "unknown"; old values would say "as before" while the source is down.
      this.#reset()
      return
    }
    this.#reset()
    this.#parts.write(facts)
  }

  #reset(): void {
    for (const gauge of this.#parts.gauges) gauge.reset()
  }
}
