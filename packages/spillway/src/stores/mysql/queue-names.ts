// Queues by name. A queue is remembered in the database when something is first stored in it, and here, so that an append does not
// ask again.

import type { Session } from './session.js'
import { multiRow, text } from './sql-text.js'

export interface QueueNames {
  store(session: Session, chunks: readonly OfQueue[]): Promise<void>
  /** The same for a transaction that stores the chunks as well. */
  storing(chunks: readonly OfQueue[]): NamesToStore
}

interface OfQueue {
  readonly queue: string
}

export interface NamesToStore {
  readonly statements: readonly string[]
  /** To be called once they are committed. */
  stored(): void
}

/** Names remembered per store. */
const KNOWN_MAX = 10_000

export function newQueueNames(): QueueNames {
  const known = new Set<string>()

  function storing(chunks: readonly OfQueue[]): NamesToStore {
    const fresh = [...new Set(chunks.map(({ queue }) => queue))].filter((queue) => !known.has(queue))
    const rows = fresh.sort().map((queue) => `(${text(queue)})`)
    return {
      statements: multiRow(
        'insert into spillway_queues (name) values',
        rows,
        'on duplicate key update name = values(name)',
      ),
      stored() {
        if (known.size + fresh.length > KNOWN_MAX) known.clear()
        for (const queue of fresh) known.add(queue)
      },
    }
  }

  return {
    storing,
    async store(session, chunks) {
      const { statements, stored } = storing(chunks)
      if (statements.length === 0) return
      await session.send(statements)
      stored()
    },
  }
}
