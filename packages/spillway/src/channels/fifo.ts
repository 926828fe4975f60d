// A queue whose removal at the front costs the same however long it is.

/** Removed entries at the front that are kept before the array is cut. */
const SLACK_MAX = 1_024

export class Fifo<T> {
  #entries: (T | undefined)[] = []
  #head = 0

  get length(): number {
    return this.#entries.length - this.#head
  }

  push(entry: T): void {
    this.#entries.push(entry)
  }

  peek(): T | undefined {
    return this.at(0)
  }

  /** The oldest is at 0. */
  at(index: number): T | undefined {
    return this.#entries[this.#head + index]
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined
    const entry = this.#entries[this.#head]
    this.#entries[this.#head] = undefined
    this.#head += 1
    if (this.#head > SLACK_MAX && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head)
      this.#head = 0
    }
    return entry
  }

  /** Everything, oldest first. */
  takeAll(): T[] {
    const entries = this.#entries.slice(this.#head) as T[]
    this.#entries = []
    this.#head = 0
    return entries
  }
}
