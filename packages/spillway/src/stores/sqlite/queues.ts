// Queues by name, and whether they are paused. A queue is remembered when something is first stored in it.

import type { SqliteTx } from './client.js'

/** Names remembered per connection, so that an append does not ask the database again. */
const KNOWN_MAX = 10_000

export interface QueueNames {
  /** Inside a write transaction. */
  store(queue: string): void
  /** At the start of a transaction: what an earlier one stored is known now, unless it was rolled back. */
  begin(): void
}

export function prepareQueueNames(db: SqliteTx): QueueNames {
  const insert = db.prepare('insert into spillway_queues (name) values (?1) on conflict do nothing')
  const find = db.prepare('select 1 from spillway_queues where name = ?1')
  const known = new Set<string>()
  const pending = new Set<string>()
  return {
    store(queue) {
      if (known.has(queue) || pending.has(queue)) return
      insert.run(queue)
      pending.add(queue)
    },
    begin() {
      if (pending.size === 0) return
      if (known.size + pending.size > KNOWN_MAX) known.clear()
      for (const queue of pending) if (find.get(queue) !== undefined) known.add(queue)
      pending.clear()
    },
  }
}

export interface Pauses {
  /** True when that changed. */
  set(queue: string, paused: boolean): boolean
}

export function preparePauses(db: SqliteTx): Pauses {
  const isPaused = db.prepare('select 1 from spillway_queues where name = ?1 and paused = 1')
  const pause = db.prepare(`
    insert into spillway_queues (name, paused) values (?1, ?2)
    on conflict (name) do update set paused = excluded.paused`)
  return {
    set(queue, paused) {
      const before = isPaused.get(queue) !== undefined
      if (before !== paused) pause.run(queue, paused ? 1 : 0)
      return before !== paused
    },
  }
}

/** Names of the paused queues, sorted. */
export function preparePausedNames(db: SqliteTx): () => string[] {
  const paused = db.prepare('select name from spillway_queues where paused = 1 order by name')
  return () => (paused.all() as { name: string }[]).map(({ name }) => name)
}
