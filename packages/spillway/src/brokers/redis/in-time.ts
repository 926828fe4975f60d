// Waiting for what a lost connection may never answer.

import type { Cancel } from '../../ports/index.js'
import type { Machine } from './machine.js'

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
