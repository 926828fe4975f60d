// Nothing of a server is waited for without an end: a lost connection, or a silent one, may never answer.

import type { Cancel } from '../../ports/index.js'
import type { Machine } from './machine.js'

/** Rejects with what `late` makes once the time is over; what is waited for goes on, and nobody hears of its end. */
export async function within<Value>(
  machine: Pick<Machine, 'schedule'>,
  ms: number,
  work: Promise<Value>,
  late: () => Error,
): Promise<Value> {
  let cancel: Cancel = () => {}
  const over = new Promise<never>((_, reject) => {
    cancel = machine.schedule(ms, () => reject(late()))
  })
  try {
    return await Promise.race([work, over])
  } finally {
    cancel()
  }
}

/** Resolves when the work has ended, however it did, or after `ms`; false when it had not. */
export async function inTime(
  machine: Pick<Machine, 'schedule'>,
  ms: number,
  work: Promise<unknown>,
): Promise<boolean> {
  let cancel: Cancel = () => {}
  const late = new Promise<boolean>((resolve) => {
    cancel = machine.schedule(ms, () => resolve(false))
  })
  const ended = (): boolean => true
  const isInTime = await Promise.race([work.then(ended, ended), late])
  cancel()
  return isInTime
}
