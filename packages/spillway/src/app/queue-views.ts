// Queues as people ask about them: every configured one, with what the store counts of it, and queues the store knows from
// an earlier configuration. Spillway's own are shown only where there is something to see.

import { brokerOf, type ResolvedQueue } from '../config/index.js'
import { DEFAULT_QUEUE_SETTINGS, PARKED_STATES, RESERVED_PREFIX } from '../domain/index.js'
import type { BrokerQueueState, QueueCounts, QueueSettings } from '../ports/index.js'
import type { QueueView } from './api.js'

const NOTHING: Omit<QueueCounts, 'queue' | 'paused'> = {
  ready: 0,
  running: 0,
  scheduled: 0,
  retrying: 0,
  reconciling: 0,
  pending: 0,
  blocked: 0,
  compensating: 0,
  failed: 0,
  dead: 0,
  cancelled: 0,
  compensated: 0,
  readyBytes: 0,
  oldestReadyAt: null,
}

/** Of what has succeeded nothing is left to see. */
const COUNTED_STATES = [
  ...(['ready', 'running'] as const),
  ...PARKED_STATES,
  ...(['failed', 'dead', 'cancelled', 'compensated'] as const),
]

export interface QueueFacts {
  readonly counts: readonly QueueCounts[]
  readonly settings: ReadonlyMap<string, QueueSettings>
  /** By queue, as far as their brokers answer. */
  readonly brokers: ReadonlyMap<string, BrokerQueueState>
}

export function queueViews(
  configured: ReadonlyMap<string, ResolvedQueue>,
  { counts: counted, settings, brokers }: QueueFacts,
): QueueView[] {
  const counts = new Map(counted.map((queue) => [queue.queue, queue]))
  const names = new Set([...configured.keys(), ...counts.keys(), ...settings.keys()])
  const shown = [...names].filter((queue) => isShown(queue, counts.get(queue), settings.has(queue)))
  return shown.sort().map((queue) => {
    const config = configured.get(queue)
    return {
      ...NOTHING,
      ...counts.get(queue),
      queue,
      ...(settings.get(queue) ?? DEFAULT_QUEUE_SETTINGS),
      channel: config?.channel.kind ?? 'none',
      concurrency: config?.concurrency ?? 0,
      broker: config === undefined ? null : brokerView(config, brokers.get(queue)),
    }
  })
}

function brokerView({ channel }: ResolvedQueue, state: BrokerQueueState | undefined): QueueView['broker'] {
  const broker = brokerOf(channel)
  if (broker === null) return null
  const { waiting = null, delivered = null, refused = null } = state ?? {}
  return { name: broker.name, waiting, delivered, refused }
}

function isShown(queue: string, counts: QueueCounts | undefined, isSet: boolean): boolean {
  if (!queue.startsWith(RESERVED_PREFIX) || isSet) return true
  return counts !== undefined && COUNTED_STATES.some((state) => counts[state] > 0)
}
