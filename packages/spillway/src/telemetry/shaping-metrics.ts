// Series about what keeps load in shape: breakers, adaptive limits, commands that were put back, submits that were refused.

import type { TelemetryEvent } from '../ports/index.js'
import type { Labels } from './label-values.js'
import type { MetricFamilies } from './metric-families.js'

export type ShapingEvent = Extract<
  TelemetryEvent,
  { event: 'breaker.changed' | 'limit.changed' | 'command.deferred' | 'admission.refused' }
>

const BREAKER_STATES = { closed: 0, 'half-open': 1, open: 2 } as const

export function recordShaping(
  families: MetricFamilies,
  { queues, commands }: Labels,
  event: ShapingEvent,
): void {
  const queue = queues.cap(event.queue)
  switch (event.event) {
    case 'breaker.changed':
      families.breakerState.set({ queue, command: commands.cap(event.type) }, BREAKER_STATES[event.state])
      break
    case 'limit.changed':
      families.concurrencyLimit.set({ queue }, event.limit)
      families.limitChanges.inc({ queue, reason: event.reason })
      break
    case 'command.deferred':
      families.deferred.inc({ queue, command: commands.cap(event.type), reason: event.reason }, event.count)
      break
    case 'admission.refused':
      families.admissionRefused.inc({ queue, reason: event.reason }, event.count)
      break
  }
}
