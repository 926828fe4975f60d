// Ends waits for locks, each once: a statement that was told to stop is seen waiting for a moment longer, and a second word would
// meet whatever its connection does next.

export interface LockWait {
  /** The same for the same wait, and for no other. */
  readonly wait: string
}

export function lockWaits<Wait extends LockWait>(
  list: () => Promise<readonly Wait[]>,
  end: (wait: Wait) => Promise<unknown>,
): () => Promise<number> {
  let ended: ReadonlySet<string> = new Set()
  return async () => {
    const waits = await list()
    const fresh = waits.filter(({ wait }) => !ended.has(wait))
    ended = new Set(waits.map(({ wait }) => wait))
    for (const wait of fresh) await end(wait)
    return fresh.length
  }
}
