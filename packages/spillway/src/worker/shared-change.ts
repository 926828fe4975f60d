// Changes values that processes share: read, change, write, and again for those that somebody else wrote meanwhile. Every lost
// race is another one's success, so a few tries are many.

import type { StoreShared } from '../ports/index.js'

export const SHARED_TRIES_MAX = 10

export interface SharedChange {
  readonly value: string
  readonly ttlMs: number
}

/** What becomes of a value (null = none yet) at this time of the store's clock; null = it stays as it is. Called anew for every try. */
export type ChangeOf = (key: string, value: string | null, now: number) => SharedChange | null

/** Returns the keys that others kept changing. */
export async function changeShared(
  shared: Pick<StoreShared, 'read' | 'write'>,
  keys: readonly string[],
  changeOf: ChangeOf,
): Promise<readonly string[]> {
  let left = keys
  for (let tries = 0; left.length > 0 && tries < SHARED_TRIES_MAX; tries += 1) {
    const { values, now } = await shared.read(left)
    const writes = left.flatMap((key, at) => {
      const { value = null, version = 0 } = values[at] ?? {}
      const change = changeOf(key, value, now)
      return change === null ? [] : [{ key, version, ...change }]
    })
    if (writes.length === 0) return []
    const verdicts = await shared.write(writes)
    left = writes.filter((_, at) => verdicts[at] === 'stale').map(({ key }) => key)
  }
  return left
}
