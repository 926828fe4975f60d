// Lifecycle events and measures as Prometheus series, in a registry of its own: two Spillways in one process, or a host
// application with metrics of its own, never collide.

import { Registry } from 'prom-client'
import type { BrokerQueueState, Clock, QueueCounts, Telemetry, TelemetryEvent } from '../ports/index.js'
import { type AgentEvent, isAgentEvent } from './agent-events.js'
import { recordAgent } from './agent-metrics.js'
import { recordDelivery } from './delivery-metrics.js'
import { LABEL_VALUES_MAX, type Labels, LabelValues } from './label-values.js'
import { newLateEvents } from './late-events.js'
import { createFamilies, type MetricFamilies } from './metric-families.js'
import { queueGauges } from './queue-gauges.js'
import { recordShaping } from './shaping-metrics.js'
import { brokerGauges, type JournalMeasure, journalGauges } from './transit-gauges.js'

export interface MetricsOptions {
  readonly clock: Pick<Clock, 'now'>
  /** Spillway's version, for `spillway_build_info`. */
  readonly version: string
  /** Names from the configuration: they keep their own series whatever else turns up. */
  readonly queues?: Iterable<string>
  readonly commands?: Iterable<string>
  /** Other names per label that get a series before the rest is counted as `_other`. */
  readonly labelValuesMax?: number
}

export interface Metrics {
  readonly telemetry: Telemetry
  readonly contentType: string
  /** Where queue depths come from at each scrape. */
  observeQueues(source: () => Promise<readonly QueueCounts[]>): void
  /** What brokers say of their queues, as far as they answer. */
  observeBrokers(source: () => Promise<readonly BrokerQueueState[]>): void
  /** This process's journals; their spools are as few as the configuration names. */
  observeJournals(source: () => Promise<readonly JournalMeasure[]>): void
  /** The text of one scrape. Answers without the gauges of a source that fails. */
  render(): Promise<string>
}

export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry()
  const families = createFamilies(registry)
  const extraMax = options.labelValuesMax ?? LABEL_VALUES_MAX
  const labels: Labels = {
    queues: new LabelValues(options.queues, extraMax),
    commands: new LabelValues(options.commands, extraMax),
    spools: new LabelValues([], extraMax),
  }
  const gauges = {
    queues: queueGauges(families, labels.queues, options.clock),
    brokers: brokerGauges(families, labels.queues),
    journals: journalGauges(families, labels.spools),
  }
  families.buildInfo.set({ version: options.version, node: process.versions.node }, 1)
  const late = newLateEvents((event: CommonEvent) => record(families, labels, event))
  return {
    telemetry: {
      record(event) {
        // These are few, and say when they were seen.
        if (isAgentEvent(event)) recordAgent(families, labels.spools, options.clock.now(), event)
        else late.add(event)
      },
    },
    contentType: registry.contentType,
    observeQueues: (source) => gauges.queues.observe(source),
    observeBrokers: (source) => gauges.brokers.observe(source),
    observeJournals: (source) => gauges.journals.observe(source),
    async render() {
      late.catchUp()
      await Promise.all(Object.values(gauges).map((scraped) => scraped.refresh()))
      return registry.metrics()
    },
  }
}

type CommonEvent = Exclude<TelemetryEvent, AgentEvent>

function record(families: MetricFamilies, labels: Labels, event: CommonEvent): void {
  const { queues, commands } = labels
  switch (event.event) {
    case 'command.received':
      families.received.inc(
        { queue: queues.cap(event.queue), command: commands.cap(event.type), outcome: event.outcome },
        event.count,
      )
      break
    case 'command.landed':
    case 'delivery.refused':
      recordDelivery(families, labels, event)
      break
    case 'command.finished': {
      const queue = queues.cap(event.queue)
      const command = commands.cap(event.type)
      families.finished.inc({ queue, command, outcome: event.outcome }, event.count)
      if (event.completionMs !== null)
        families.completionDuration.observe({ queue, command }, event.completionMs / 1_000)
      break
    }
    case 'attempt.finished':
      families.attempts.inc(
        { queue: queues.cap(event.queue), command: commands.cap(event.type), outcome: event.outcome },
        event.count,
      )
      break
    case 'accept.duration':
      families.acceptDuration.observe({ queue: queues.cap(event.queue) }, event.durationMs / 1_000)
      break
    case 'chunk.committed':
      families.chunkSize.observe(
        { queue: queues.cap(event.queue), command: commands.cap(event.type) },
        event.commands,
      )
      break
    case 'batch.executed': {
      const command = { queue: queues.cap(event.queue), command: commands.cap(event.type) }
      families.batchSize.observe(command, event.commands)
      families.processDuration.observe(command, event.durationMs / 1_000)
      families.waitDuration.observe(command, event.waitMs / 1_000)
      break
    }
    case 'lease.lost':
      families.leaseLost.inc({
        queue: queues.cap(event.queue),
        command: commands.cap(event.type),
        reason: event.reason,
      })
      break
    case 'pool.state': {
      const queue = { queue: queues.cap(event.queue) }
      families.poolActive.set(queue, event.active)
      families.poolLimit.set(queue, event.limit)
      families.poolQueued.set(queue, event.queued)
      break
    }
    case 'store.operation':
      families.storeOperation.observe(
        { operation: event.operation, outcome: event.outcome },
        event.durationMs / 1_000,
      )
      break
    case 'heartbeat.delay':
      families.heartbeatDelay.observe(event.delayMs / 1_000)
      break
    case 'breaker.changed':
    case 'limit.changed':
    case 'command.deferred':
    case 'admission.refused':
      recordShaping(families, labels, event)
      break
    case 'callback.delivery':
      families.callbackDeliveries.inc({ outcome: event.outcome })
      families.callbackDuration.observe({ outcome: event.outcome }, event.durationMs / 1_000)
      break
    case 'event_loop.blocked':
      families.eventLoopBlocked.observe(event.durationMs / 1_000)
      break
    // Lines of the log, not series.
    case 'command.exception':
    case 'queue.halted':
    case 'fault':
    case 'lifecycle':
      break
  }
}
