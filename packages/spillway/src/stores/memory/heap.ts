// A binary heap whose items know their place, so that any of them can be taken out in logarithmic time. It orders what
// can be claimed, which lease expires next, what is due and what may be pruned, without ever scanning what is finished.
// An item is in at most one heap at a time.

export interface HeapItem {
  /** Place in the heap that holds the item; meaningless outside of one. */
  slot: number
}

export class Heap<Item extends HeapItem> {
  readonly #items: Item[] = []
  readonly #before: (a: Item, b: Item) => boolean

  constructor(before: (a: Item, b: Item) => boolean) {
    this.#before = before
  }

  get size(): number {
    return this.#items.length
  }

  peek(): Item | undefined {
    return this.#items[0]
  }

  has(item: Item): boolean {
    return this.#items[item.slot] === item
  }

  push(item: Item): void {
    this.#rise(item, this.#items.length)
  }

  pop(): Item | undefined {
    const first = this.#items[0]
    if (first !== undefined) this.remove(first)
    return first
  }

  /** False when the item is not in this heap. */
  remove(item: Item): boolean {
    const slot = item.slot
    if (this.#items[slot] !== item) return false
    const last = this.#items.pop() as Item
    item.slot = -1
    if (last !== item) this.#settle(last, slot)
    return true
  }

  #settle(item: Item, slot: number): void {
    const parent = this.#items[(slot - 1) >> 1]
    if (slot > 0 && parent !== undefined && this.#before(item, parent)) this.#rise(item, slot)
    else this.#sink(item, slot)
  }

  #rise(item: Item, from: number): void {
    let slot = from
    while (slot > 0) {
      const above = (slot - 1) >> 1
      const parent = this.#items[above] as Item
      if (!this.#before(item, parent)) break
      this.#place(parent, slot)
      slot = above
    }
    this.#place(item, slot)
  }

  #sink(item: Item, from: number): void {
    let slot = from
    for (;;) {
      let below = 2 * slot + 1
      let child = this.#items[below]
      if (child === undefined) break
      const right = this.#items[below + 1]
      if (right !== undefined && this.#before(right, child)) {
        child = right
        below += 1
      }
      if (!this.#before(child, item)) break
      this.#place(child, slot)
      slot = below
    }
    this.#place(item, slot)
  }

  #place(item: Item, slot: number): void {
    this.#items[slot] = item
    item.slot = slot
  }
}
