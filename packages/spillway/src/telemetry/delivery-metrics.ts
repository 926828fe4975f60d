// What comes over brokers, as series: what the store found of it, and what nobody could read.

import type { TelemetryEvent } from '../ports/index.js'
import type { Labels } from './label-values.js'
import type { MetricFamilies } from './metric-families.js'

export type DeliveryEvent = Extract<TelemetryEvent, { event: 'command.landed' | 'delivery.refused' }>

export function recordDelivery(
  families: MetricFamilies,
  { queues, commands }: Labels,
  event: DeliveryEvent,
): void {
  const queue = queues.cap(event.queue)
  if (event.event === 'delivery.refused') families.refusedDeliveries.inc({ queue })
  else families.landed.inc({ queue, command: commands.cap(event.type), outcome: event.outcome }, event.count)
}
