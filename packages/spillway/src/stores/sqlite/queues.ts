// Queues by name, and what every process obeys about them. A queue is remembered when something is first stored in it.

import { changedSettings, DEFAULT_QUEUE_SETTINGS, type QueueSettings } from '../../domain/index.js'
import type { SqliteTx } from './client.js'

/** Names remembered per connection, so that an append does not ask the database again. */
const KNOWN_MAX = 10_000

export interface QueueNames {
  /** Inside a write transaction. */
  store(queue: string): void
  /** The same, for transactions that `begin` is not called for: it is not remembered. */
  storeUnnoted(queue: string): void
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
    storeUnnoted(queue) {
      if (!known.has(queue)) insert.run(queue)
    },
    begin() {
      if (pending.size === 0) return
      if (known.size + pending.size > KNOWN_MAX) known.clear()
      for (const queue of pending) if (find.get(queue) !== undefined) known.add(queue)
      pending.clear()
    },
  }
}

interface SettingsRow {
  readonly name: string
  readonly paused: number
  readonly pause_reason: string | null
  readonly leases_max: number | null
}

const SETTINGS = 'name, paused, pause_reason, leases_max'

export interface Settings {
  /** Inside a write transaction. */
  configure(queue: string, change: Partial<QueueSettings>): QueueSettings
  /** Inside any transaction. */
  of(queue: string): QueueSettings
}

export function prepareSettings(db: SqliteTx): Settings {
  const find = db.prepare(`select ${SETTINGS} from spillway_queues where name = ?1`)
  const write = db.prepare(`
    insert into spillway_queues (name, paused, pause_reason, leases_max) values (?1, ?2, ?3, ?4)
    on conflict (name) do update
      set paused = excluded.paused, pause_reason = excluded.pause_reason, leases_max = excluded.leases_max`)

  function of(queue: string): QueueSettings {
    const row = find.get(queue) as SettingsRow | undefined
    return row === undefined ? DEFAULT_QUEUE_SETTINGS : settingsOf(row)
  }

  return {
    of,
    configure(queue, change) {
      const settings = changedSettings(of(queue), change)
      write.run(queue, settings.paused ? 1 : 0, settings.pauseReason, settings.leasesMax)
      return settings
    },
  }
}

/** Of the queues that are not as any queue is, by name. */
export function prepareAllSettings(db: SqliteTx): () => Map<string, QueueSettings> {
  const changed = db.prepare(
    `select ${SETTINGS} from spillway_queues where paused = 1 or leases_max is not null order by name`,
  )
  return () => new Map((changed.all() as SettingsRow[]).map((row) => [row.name, settingsOf(row)]))
}

function settingsOf({ paused, pause_reason, leases_max }: SettingsRow): QueueSettings {
  return { paused: paused === 1, pauseReason: pause_reason, leasesMax: leases_max }
}
