// A sequence of whole numbers read as decisions. When it is used up every decision is the first one, so that a shrunk
// sequence is a shorter story and not another one.

export class Choices {
  readonly #values: readonly number[]
  #at = 0

  constructor(values: readonly number[]) {
    this.#values = values
  }

  get left(): boolean {
    return this.#at < this.#values.length
  }

  /** A whole number from 0 to `count` - 1. */
  below(count: number): number {
    const value = this.#values[this.#at] ?? 0
    this.#at += 1
    return value % count
  }

  /** True once in `times`; never when the sequence is used up. */
  once(times: number): boolean {
    return this.below(times) === times - 1
  }

  pick<T>(items: readonly [T, ...T[]]): T {
    return items[this.below(items.length)] as T
  }

  some<T>(items: readonly T[]): T[] {
    return items.filter(() => this.below(2) === 1)
  }
}
