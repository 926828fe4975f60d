// Tells workers in this process that a queue has something to claim. Listeners are hints' receivers, not participants:
// one that throws must not fail the append that was already committed.

import type { WakeSignal } from '../../ports/index.js'

export type Notify = (queue: string, commands: number) => void

export function newWake(): { readonly wake: WakeSignal; readonly notify: Notify } {
  const listeners = new Set<Notify>()
  const wake: WakeSignal = {
    subscribe(listener) {
      // A wrapper of its own: the same function may subscribe twice and unsubscribe once.
      const own: Notify = (queue, commands) => listener(queue, commands)
      listeners.add(own)
      return () => listeners.delete(own)
    },
  }
  const notify: Notify = (queue, commands) => {
    for (const listener of listeners) {
      try {
        listener(queue, commands)
      } catch {
        // Hints may be lost; workers poll.
      }
    }
  }
  return { wake, notify }
}
