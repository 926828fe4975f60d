// The timers of a virtual clock: a binary heap by (time, insertion), so that two timers of the same instant fire in the order
// they were set. Cancelled timers stay until they surface; only their callback is dropped.

export interface Timer {
  readonly at: number
  readonly order: number
  /** Null once cancelled or fired. */
  run: (() => void) | null
}

export class TimerQueue {
  readonly #heap: Timer[] = []
  #order = 0
  #live = 0

  /** Timers that are still to fire. */
  get size(): number {
    return this.#live
  }

  add(at: number, run: () => void): Timer {
    const timer: Timer = { at, order: this.#order, run }
    this.#order += 1
    this.#live += 1
    this.#heap.push(timer)
    this.#siftUp(this.#heap.length - 1)
    return timer
  }

  cancel(timer: Timer): void {
    if (timer.run === null) return
    timer.run = null
    this.#live -= 1
  }

  /** When the next timer fires, or null when none is set. */
  nextAt(): number | null {
    while (this.#heap.length > 0 && (this.#heap[0] as Timer).run === null) this.#removeFirst()
    return this.#heap[0]?.at ?? null
  }

  /** The callback of the next timer, which counts as fired. */
  takeNext(): (() => void) | null {
    if (this.nextAt() === null) return null
    const timer = this.#removeFirst()
    const { run } = timer
    timer.run = null
    this.#live -= 1
    return run
  }

  #removeFirst(): Timer {
    const first = this.#heap[0] as Timer
    const last = this.#heap.pop() as Timer
    if (this.#heap.length > 0) {
      this.#heap[0] = last
      this.#siftDown()
    }
    return first
  }

  #siftUp(start: number): void {
    let child = start
    while (child > 0) {
      const parent = (child - 1) >> 1
      if (!this.#swapIfLater(parent, child)) return
      child = parent
    }
  }

  #siftDown(): void {
    let parent = 0
    for (;;) {
      const left = 2 * parent + 1
      if (left >= this.#heap.length) return
      const right = left + 1
      const child =
        right < this.#heap.length && isLater(this.#heap[left] as Timer, this.#heap[right] as Timer)
          ? right
          : left
      if (!this.#swapIfLater(parent, child)) return
      parent = child
    }
  }

  #swapIfLater(parent: number, child: number): boolean {
    const above = this.#heap[parent] as Timer
    const below = this.#heap[child] as Timer
    if (!isLater(above, below)) return false
    this.#heap[parent] = below
    this.#heap[child] = above
    return true
  }
}

function isLater(a: Timer, b: Timer): boolean {
  return a.at > b.at || (a.at === b.at && a.order > b.order)
}
