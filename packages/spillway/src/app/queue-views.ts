// Queues as people ask about them: every configured one, with what the store counts of it, and queues the store knows from
// an earlier configuration.

import type { ResolvedQueue } from '../config/index.js'
import { DEFAULT_QUEUE_SETTINGS } from '../domain/index.js'
import type { QueueCounts, QueueSettings } from '../ports/index.js'
import type { QueueView } from './api.js'

const NOTHING: Omit<QueueCounts, 'queue' | 'paused'> = {
  ready: 0,
  running: 0,
  scheduled: 0,
  retrying: 0,
  failed: 0,
  dead: 0,
  cancelled: 0,
  oldestReadyAt: null,
}

export function queueViews(
  configured: ReadonlyMap<string, ResolvedQueue>,
  counted: readonly QueueCounts[],
  settings: ReadonlyMap<string, QueueSettings>,
): QueueView[] {
  const counts = new Map(counted.map((queue) => [queue.queue, queue]))
  const names = new Set([...configured.keys(), ...counts.keys(), ...settings.keys()])
  return [...names].sort().map((queue) => {
    const config = configured.get(queue)
    return {
      ...NOTHING,
      ...counts.get(queue),
      queue,
      ...(settings.get(queue) ?? DEFAULT_QUEUE_SETTINGS),
      channel: config?.channel.kind ?? 'none',
      concurrency: config?.concurrency ?? 0,
    }
  })
}
