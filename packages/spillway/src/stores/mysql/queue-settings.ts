// What every process obeys about the queues.

import { changedSettings, DEFAULT_QUEUE_SETTINGS, type QueueSettings } from '../../domain/index.js'
import type { AuditNote } from '../../ports/index.js'
import { auditSql } from './audit.js'
import type { RunResult } from './enlist/index.js'
import { rowsOf, select } from './select.js'
import type { Session } from './session.js'
import { integer, text } from './sql-text.js'

interface SettingsRow {
  readonly name: string
  readonly paused: number
  readonly pause_reason: string | null
  readonly leases_max: number | null
}

const SETTINGS = 'name, paused, pause_reason, leases_max'

/** Writes the whole of a queue's settings while it holds the queue's row, so that two changes at once both count. */
export function configureQueue(
  session: Session,
  queue: string,
  change: Partial<QueueSettings>,
  audit?: AuditNote,
): Promise<QueueSettings> {
  const name = text(queue)
  return session.transaction(async (transaction) => {
    const [, found] = (await transaction.send([
      `insert into spillway_queues (name) values (${name}) on duplicate key update name = name`,
      `select ${SETTINGS} from spillway_queues where name = ${name} for update`,
    ])) as [RunResult, RunResult]
    const [row] = rowsOf<SettingsRow>(found)
    const settings = changedSettings(row === undefined ? DEFAULT_QUEUE_SETTINGS : settingsOf(row), change)
    const { paused, pauseReason, leasesMax } = settings
    await transaction.finish([
      `update spillway_queues set paused = ${paused ? 1 : 0}, pause_reason = ${text(pauseReason)},
  leases_max = ${integer(leasesMax)} where name = ${name}`,
      ...(audit === undefined ? [] : [auditSql(audit, null, session.now())]),
    ])
    return settings
  })
}

/** Of the queues that are not as any queue is, by name. */
export async function readAllSettings(session: Session): Promise<Map<string, QueueSettings>> {
  const rows = await select<SettingsRow>(
    session,
    `select ${SETTINGS} from spillway_queues where paused = 1 or leases_max is not null order by name`,
  )
  return new Map(rows.map((row) => [row.name, settingsOf(row)]))
}

function settingsOf({ paused, pause_reason, leases_max }: SettingsRow): QueueSettings {
  return { paused: paused === 1, pauseReason: pause_reason, leasesMax: leases_max }
}
