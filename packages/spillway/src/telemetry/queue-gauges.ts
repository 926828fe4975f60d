// What the store holds of each queue, as gauges.

import { PARKED_STATES } from '../domain/index.js'
import type { Clock, QueueCounts } from '../ports/index.js'
import type { LabelValues } from './label-values.js'
import type { MetricFamilies } from './metric-families.js'
import { ScrapedGauges } from './scraped-gauges.js'

const DEPTH_STATES = ['ready', 'running', ...PARKED_STATES] as const

export function queueGauges(
  { queueDepth, oldestReadyAge, deadLetterDepth, readyBytes }: MetricFamilies,
  queues: LabelValues,
  clock: Pick<Clock, 'now'>,
): ScrapedGauges<readonly QueueCounts[]> {
  return new ScrapedGauges({
    gauges: [queueDepth, oldestReadyAge, deadLetterDepth, readyBytes],
    write(counts) {
      const now = clock.now()
      const oldest = new Map<string, number>()
      for (const entry of counts) {
        const queue = queues.cap(entry.queue)
        // Added up, because several queues may share the overflow label.
        for (const state of DEPTH_STATES) queueDepth.inc({ queue, state }, entry[state])
        deadLetterDepth.inc({ queue }, entry.dead)
        readyBytes.inc({ queue }, entry.readyBytes)
        const ageMs = entry.oldestReadyAt === null ? 0 : Math.max(0, now - entry.oldestReadyAt)
        oldest.set(queue, Math.max(oldest.get(queue) ?? 0, ageMs))
      }
      for (const [queue, ageMs] of oldest) oldestReadyAge.set({ queue }, ageMs / 1_000)
    },
  })
}
