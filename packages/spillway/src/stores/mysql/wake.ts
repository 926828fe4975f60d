// Wake-ups inside this process. They are gathered while a transaction runs and given after its commit; other processes poll,
// since MySQL has nothing to listen to. A listener that throws must not fail a call that was committed already.

import type { WakeSignal } from '../../ports/index.js'

type Listener = (queue: string, commands: number) => void

/** What a transaction makes claimable, by queue. */
export class Hints {
  readonly commandsByQueue = new Map<string, number>()

  add(queue: string, commands: number): void {
    this.commandsByQueue.set(queue, (this.commandsByQueue.get(queue) ?? 0) + commands)
  }
}

export interface Wake extends WakeSignal {
  give(hints: Hints): void
}

export function newWake(): Wake {
  const listeners = new Set<{ readonly hear: Listener }>()
  return {
    subscribe(listener) {
      const entry = { hear: listener }
      listeners.add(entry)
      return () => listeners.delete(entry)
    },
    give(hints) {
      for (const [queue, commands] of hints.commandsByQueue) {
        for (const { hear } of listeners) callSafely(hear, queue, commands)
      }
    },
  }
}

function callSafely(hear: Listener, queue: string, commands: number): void {
  try {
    hear(queue, commands)
  } catch {
    // Hints may be lost; workers poll.
  }
}
