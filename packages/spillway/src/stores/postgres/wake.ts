// Who waits for work hears of it: in this process at once, in others by NOTIFY. Notifications are gathered for a moment, because
// the commit of each takes a lock that all databases of the server share. All of it are hints: workers also poll.

import type { Notification } from 'pg'
import type { WakeSignal } from '../../ports/index.js'
import { Hints } from './hints.js'
import type { Pause } from './machine.js'

type Hear = (queue: string, commands: number) => void

export interface Wake extends WakeSignal {
  give(hints: Hints): void
  /** Of another process, or of this one. */
  hear(notification: Notification): void
  /** Something may have been missed: wakes whoever waits for a queue that was claimed from here. */
  missed(): void
  /** Remembers a queue that is claimed from. */
  claiming(queue: string): void
  start(): void
  /** Notifies other processes no more. */
  stop(): void
}

export interface WakeOptions {
  /** Sends one notification per payload, and says before on which connection. */
  readonly notify: (payloads: readonly string[], sending: (processId: number) => void) => Promise<void>
  readonly pause: Pause
}

/** Between two notifications of one process. */
const NOTIFY_EVERY_MS = 10
/** Queues remembered. */
const QUEUES_MAX = 10_000
/** Connections of this process whose notifications are its own. */
const OWN_MAX = 1_000

export function newWake({ notify, pause }: WakeOptions): Wake {
  const listeners = new Set<{ readonly hear: Hear }>()
  const claimed = new Set<string>()
  const own = new Set<number>()
  let gathered = new Hints()
  let waiting = false
  let stopped = true

  function tell(queue: string, commands: number): void {
    for (const { hear } of listeners) callSafely(hear, queue, commands)
  }

  async function send(): Promise<void> {
    const payloads = Array.from(gathered.commandsByQueue, ([queue, commands]) => `${commands} ${queue}`)
    gathered = new Hints()
    try {
      await notify(payloads, (processId) => {
        if (own.size >= OWN_MAX) own.clear()
        own.add(processId)
      })
    } catch {
      // Whoever did not hear of it polls.
    }
  }

  /** The first is sent at once; those that follow soon wait for each other. */
  function sendSoon(): void {
    if (waiting || stopped || gathered.isEmpty) return
    waiting = true
    void send().then(() => {
      pause.schedule(NOTIFY_EVERY_MS, () => {
        waiting = false
        sendSoon()
      })
    })
  }

  return {
    subscribe(listener) {
      const entry = { hear: listener }
      listeners.add(entry)
      return () => listeners.delete(entry)
    },
    give(hints) {
      if (hints.isEmpty) return
      for (const [queue, commands] of hints.commandsByQueue) {
        tell(queue, commands)
        gathered.add(queue, commands)
      }
      sendSoon()
    },
    hear({ payload = '', processId }) {
      const space = payload.indexOf(' ')
      if (own.has(processId) || space === -1) return
      tell(payload.slice(space + 1), Number(payload.slice(0, space)) || 0)
    },
    missed() {
      for (const queue of claimed) tell(queue, 0)
    },
    claiming(queue) {
      if (claimed.size < QUEUES_MAX) claimed.add(queue)
    },
    start() {
      stopped = false
    },
    stop() {
      stopped = true
    },
  }
}

function callSafely(hear: Hear, queue: string, commands: number): void {
  try {
    hear(queue, commands)
  } catch {
    // Hints may be lost; workers poll.
  }
}
