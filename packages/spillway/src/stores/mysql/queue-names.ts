// Queues by name. A queue is remembered in the database when something is first stored in it, and here, so that an append does not
// ask again.

import type { Session } from './session.js'
import { text } from './sql-text.js'

export interface QueueNames {
  store(session: Session, chunks: readonly { readonly queue: string }[]): Promise<void>
}

/** Names remembered per store. */
const KNOWN_MAX = 10_000

export function newQueueNames(): QueueNames {
  const known = new Set<string>()
  return {
    async store(session, chunks) {
      const fresh = [...new Set(chunks.map(({ queue }) => queue))].filter((queue) => !known.has(queue))
      if (fresh.length === 0) return
      const rows = fresh.sort().map((queue) => `(${text(queue)})`)
      await session.send([
        `insert into spillway_queues (name) values ${rows.join(', ')} on duplicate key update name = values(name)`,
      ])
      if (known.size + fresh.length > KNOWN_MAX) known.clear()
      for (const queue of fresh) known.add(queue)
    },
  }
}
