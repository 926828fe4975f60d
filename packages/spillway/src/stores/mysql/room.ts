// How many more chunks of a queue may be leased now.

import type { Connection } from './connection.js'
import { LEASED_CHUNKS, QUEUES_BY_NAME } from './indexes.js'
import { text, textList } from './sql-text.js'

export interface QueueLimits {
  readonly paused: number
  readonly leases_max: number | null
}

export function limitsSql(queue: string): string {
  return `select paused, leases_max from spillway_queues where name = ${text(queue)}`
}

/** `from ... where ...` with a row if one of the queues is paused or has a limit. */
export function anyLimited(queues: readonly string[]): string {
  return `from spillway_queues where name in ${textList(queues)} and (paused = 1 or leases_max is not null)`
}

/** Keeps the queues' settings as they are until the transaction ends. Queues without a row have none. */
export function holdQueues(queues: readonly string[]): string {
  return `select name from ${QUEUES_BY_NAME} where name in ${textList(queues)} lock in share mode`
}

/**
 * Infinity without a limit. `limits` are as read before. Whoever leases chunks of a queue with a limit passes here one after the other; a
 * claim that waits for the row holds chunks that all others pass over. `now` is SQL.
 */
export async function roomIn(
  connection: Connection,
  queue: string,
  limits: QueueLimits | undefined,
  now: string,
): Promise<number> {
  if (limits?.paused === 1) return 0
  if (limits === undefined || limits.leases_max === null) return Number.POSITIVE_INFINITY
  const [locked, counted] = await connection.send([
    `${limitsSql(queue)} for update`,
    `select count(*) as leased from ${LEASED_CHUNKS} where state = 'leased' and queue = ${text(queue)} and lease_expires_at > ${now}`,
  ])
  const held = locked?.rows[0] as QueueLimits | undefined
  if (held?.paused === 1) return 0
  const limit = held?.leases_max ?? null
  if (limit === null) return Number.POSITIVE_INFINITY
  return Math.max(0, limit - Number(counted?.rows[0]?.leased))
}
