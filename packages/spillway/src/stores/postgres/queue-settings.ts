// What every process obeys about a queue. A change reads and writes under the row's lock, so that of two changes at once
// neither is lost; what a change means is the domain's to say.

import { changedSettings, DEFAULT_QUEUE_SETTINGS, type QueueSettings } from '../../domain/index.js'
import type { Database, Transaction } from './database.js'

interface SettingsRow {
  readonly name: string
  readonly paused: boolean
  readonly pause_reason: string | null
  readonly leases_max: number | null
}

const SETTINGS = 'name, paused, pause_reason, leases_max'
const REMEMBER = 'insert into @.queues (name) values ($1) on conflict do nothing'
const LOCK = `select ${SETTINGS} from @.queues where name = $1 for update`
const WRITE = 'update @.queues set paused = $2, pause_reason = $3, leases_max = $4::integer where name = $1'
const CHANGED = `select ${SETTINGS} from @.queues where paused or leases_max is not null order by name`

export async function configureQueue(
  tx: Transaction,
  queue: string,
  change: Partial<QueueSettings>,
): Promise<QueueSettings> {
  await tx.query(REMEMBER, [queue])
  const [row] = await tx.query<SettingsRow>(LOCK, [queue])
  const settings = changedSettings(row === undefined ? DEFAULT_QUEUE_SETTINGS : settingsOf(row), change)
  const reason = settings.pauseReason?.replaceAll('\0', '') ?? null
  await tx.query(WRITE, [queue, settings.paused, reason, settings.leasesMax])
  return { ...settings, pauseReason: reason }
}

/** Of the queues that are not as any queue is, by name. */
export async function readQueueSettings(db: Database): Promise<Map<string, QueueSettings>> {
  const rows = await db.query<SettingsRow>(CHANGED, [])
  return new Map(rows.map((row) => [row.name, settingsOf(row)]))
}

function settingsOf({ paused, pause_reason, leases_max }: SettingsRow): QueueSettings {
  return { paused, pauseReason: pause_reason, leasesMax: leases_max }
}
