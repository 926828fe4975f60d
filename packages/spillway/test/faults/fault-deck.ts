// Faults in an order drawn at random, from a deck so that every run has its share of each.

import type { Random } from '../../src/ports/index.js'

export class FaultDeck<Name extends string> {
  /** How often each was drawn. */
  readonly counts: Record<Name, number>
  readonly #shares: Readonly<Record<Name, number>>
  readonly #random: Random
  #left: Name[] = []

  /** `shares`: how many of each there are in a deck. */
  constructor(shares: Readonly<Record<Name, number>>, random: Random) {
    this.#shares = shares
    this.#random = random
    this.counts = Object.fromEntries(this.#names.map((name) => [name, 0])) as Record<Name, number>
  }

  /** The next that is possible; the next of all when none is. */
  draw(isPossible: (name: Name) => boolean): Name {
    if (this.#left.length === 0) this.#left = this.#shuffled()
    const [name] = this.#left.splice(Math.max(this.#left.findIndex(isPossible), 0), 1) as [Name]
    this.counts[name] += 1
    return name
  }

  get #names(): readonly Name[] {
    return Object.keys(this.#shares) as Name[]
  }

  #shuffled(): Name[] {
    return this.#names
      .flatMap((name) => Array<Name>(this.#shares[name]).fill(name))
      .map((name) => ({ name, at: this.#random() }))
      .sort((a, b) => a.at - b.at)
      .map(({ name }) => name)
  }
}
