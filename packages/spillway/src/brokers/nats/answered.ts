// Asking a server of which, for a moment, nobody answers: when it has just started, or while several processes make the same streams at once.
// The client takes that for a server without JetStream, which is what it is when it lasts.

import type { Machine } from '../driver/index.js'

export const ATTEMPTS_MAX = 4
const PAUSE_MS = 250

/** `ask` may be called again after it was answered in part. */
export async function answered<T>(machine: Pick<Machine, 'schedule'>, ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask()
    } catch (error) {
      if (!isUnanswered(error) || attempt === ATTEMPTS_MAX) throw error
      await new Promise<void>((resolve) => {
        machine.schedule(PAUSE_MS, resolve)
      })
    }
  }
}

/** The client does not export the class. */
function isUnanswered(error: unknown): boolean {
  return error instanceof Error && error.name === 'JetStreamNotEnabled'
}
