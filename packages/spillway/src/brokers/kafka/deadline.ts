// Nothing of a cluster is waited for without an end.

import type { Machine } from './machine.js'

/** Rejects with what `late` makes once the time is over; what is waited for goes on, and nobody hears of its end. */
export async function within<Value>(
  machine: Machine,
  ms: number,
  work: Promise<Value>,
  late: () => Error,
): Promise<Value> {
  let cancel = (): void => {}
  const over = new Promise<never>((_, reject) => {
    cancel = machine.schedule(ms, () => reject(late()))
  })
  work.catch(() => {})
  try {
    return await Promise.race([work, over])
  } finally {
    cancel()
  }
}
