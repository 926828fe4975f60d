// A protocol bug that can be planted: the store with one guard missing. A simulation that does not find every one of
// them within its seeds would not find the next real one either.

import type { Store } from '../../../ports/index.js'
import type { Dice } from '../dice.js'

export interface PlantedBug {
  readonly name: string
  /** What is wrong, in one sentence. */
  readonly what: string
  plant(store: Store, soil: Soil): Store
}

/** What a bug may use besides the store it is planted in. */
export interface Soil {
  readonly dice: Dice
  now(): number
  /** Runs `work` while the store's own clock is ahead by `ms`. */
  ahead<T>(ms: number, work: () => Promise<T>): Promise<T>
  /** Runs `work` later, as an operation of its own. */
  later(ms: number, work: () => void): void
}

/** The reader with some commands replaced; null hides one. */
export function disguised(store: Store, show: (view: View) => View | null): Store['reader'] {
  const { reader } = store
  return {
    ...reader,
    async get(ids, options) {
      const views = await reader.get(ids, options)
      return views.map((view) => (view === null ? null : show(view)))
    },
    async list(request) {
      const page = await reader.list(request)
      return { ...page, items: page.items.map(show).filter((view) => view !== null) }
    },
  }
}

type View = NonNullable<Awaited<ReturnType<Store['reader']['get']>>[number]>
