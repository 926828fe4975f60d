import { describe, expect, it } from 'vitest'
import type { QueueCounts, TelemetryEvent } from '../ports/index.js'
import { createMetrics, type Metrics } from './prometheus.js'

const NOW = 1_700_000_100_000

const counts = (queue: string, values: Partial<QueueCounts> = {}): QueueCounts => ({
  queue,
  paused: false,
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
  ...values,
})

function metricsOf(options: Partial<Parameters<typeof createMetrics>[0]> = {}): Metrics {
  return createMetrics({ clock: { now: () => NOW }, version: '9.8.7', ...options })
}

async function scrape(metrics: Metrics, ...events: TelemetryEvent[]): Promise<string[]> {
  for (const event of events) metrics.telemetry.record(event)
  return (await metrics.render()).split('\n')
}

describe('createMetrics', () => {
  it('shows what keeps load in shape: breakers, adaptive limits, what was put back and what was refused', async () => {
    const breaker = { event: 'breaker.changed', queue: 'letters', type: 'letter.issue' } as const
    const lines = await scrape(
      metricsOf(),
      { ...breaker, state: 'open' },
      { ...breaker, state: 'half-open' },
      { event: 'limit.changed', queue: 'letters', limit: 8, reason: 'recovered' },
      { event: 'limit.changed', queue: 'letters', limit: 3, reason: 'errors' },
      { event: 'command.deferred', queue: 'letters', type: 'letter.issue', reason: 'rate_limited', count: 7 },
      { event: 'admission.refused', queue: 'letters', reason: 'depth', count: 2 },
      { event: 'event_loop.blocked', durationMs: 1_500, types: ['letter.issue'] },
    )
    expect(lines).toEqual(
      expect.arrayContaining([
        'spillway_breaker_state{queue="letters",command="letter.issue"} 1',
        'spillway_concurrency_limit{queue="letters"} 3',
        'spillway_concurrency_limit_changes_total{queue="letters",reason="errors"} 1',
        'spillway_command_deferred_total{queue="letters",command="letter.issue",reason="rate_limited"} 7',
        'spillway_admission_refused_total{queue="letters",reason="depth"} 2',
        'spillway_event_loop_blocked_seconds_sum 1.5',
      ]),
    )
  })

  it('counts and times attempts to tell upstream', async () => {
    const lines = await scrape(
      metricsOf(),
      { event: 'callback.delivery', outcome: 'delivered', status: 200, durationMs: 250 },
      { event: 'callback.delivery', outcome: 'delivered', status: 204, durationMs: 250 },
      { event: 'callback.delivery', outcome: 'gone', status: 410, durationMs: 10 },
    )
    expect(lines).toEqual(
      expect.arrayContaining([
        'spillway_callback_delivery_total{outcome="delivered"} 2',
        'spillway_callback_delivery_total{outcome="gone"} 1',
        'spillway_callback_delivery_duration_seconds_sum{outcome="delivered"} 0.5',
      ]),
    )
  })

  it('shows how many commands wait for what, and how many bytes are ready', async () => {
    const metrics = metricsOf()
    metrics.observeQueues(async () => [counts('letters', { pending: 4, compensating: 1, readyBytes: 2_048 })])
    expect(await scrape(metrics)).toEqual(
      expect.arrayContaining([
        'spillway_queue_depth{queue="letters",state="pending"} 4',
        'spillway_queue_depth{queue="letters",state="compensating"} 1',
        'spillway_queue_depth{queue="letters",state="blocked"} 0',
        'spillway_queue_ready_bytes{queue="letters"} 2048',
      ]),
    )
  })

  it('counts received, executed and finished commands as many times as the events say', async () => {
    const lines = await scrape(
      metricsOf(),
      { event: 'command.received', queue: 'clicks', type: 'click.record', outcome: 'accepted', count: 250 },
      { event: 'command.received', queue: 'clicks', type: 'click.record', outcome: 'accepted', count: 6 },
      { event: 'command.received', queue: 'clicks', type: 'click.record', outcome: 'duplicate', count: 2 },
      { event: 'attempt.finished', queue: 'clicks', type: 'click.record', outcome: 'timeout', count: 3 },
      {
        event: 'command.finished',
        queue: 'clicks',
        type: 'click.record',
        outcome: 'dead',
        count: 4,
        completionMs: null,
      },
      { event: 'lease.lost', queue: 'clicks', type: 'click.record', chunkId: 'c0', reason: 'expired' },
    )
    expect(lines).toEqual(
      expect.arrayContaining([
        'spillway_command_received_total{queue="clicks",command="click.record",outcome="accepted"} 256',
        'spillway_command_received_total{queue="clicks",command="click.record",outcome="duplicate"} 2',
        'spillway_attempt_finished_total{queue="clicks",command="click.record",outcome="timeout"} 3',
        'spillway_command_finished_total{queue="clicks",command="click.record",outcome="dead"} 4',
        'spillway_lease_lost_total{queue="clicks",command="click.record",reason="expired"} 1',
      ]),
    )
  })

  it('measures durations in seconds and sizes in commands', async () => {
    const lines = await scrape(
      metricsOf(),
      { event: 'accept.duration', queue: 'q', durationMs: 4 },
      { event: 'chunk.committed', queue: 'q', type: 't', commands: 256, bytes: 51_200 },
      { event: 'batch.executed', queue: 'q', type: 't', commands: 500, durationMs: 20, waitMs: 2_000 },
      {
        event: 'command.finished',
        queue: 'q',
        type: 't',
        outcome: 'succeeded',
        count: 500,
        completionMs: 2_020,
      },
      { event: 'store.operation', operation: 'append', outcome: 'error', durationMs: 5_000 },
      { event: 'heartbeat.delay', delayMs: 250 },
    )
    expect(lines).toEqual(
      expect.arrayContaining([
        'spillway_accept_duration_seconds_sum{queue="q"} 0.004',
        'spillway_accept_duration_seconds_bucket{le="0.0025",queue="q"} 0',
        'spillway_accept_duration_seconds_bucket{le="0.005",queue="q"} 1',
        'spillway_chunk_size_sum{queue="q",command="t"} 256',
        'spillway_batch_size_sum{queue="q",command="t"} 500',
        'spillway_process_duration_seconds_sum{queue="q",command="t"} 0.02',
        'spillway_wait_duration_seconds_sum{queue="q",command="t"} 2',
        'spillway_completion_duration_seconds_sum{queue="q",command="t"} 2.02',
        'spillway_completion_duration_seconds_count{queue="q",command="t"} 1',
        'spillway_store_operation_duration_seconds_sum{operation="append",outcome="error"} 5',
        'spillway_heartbeat_delay_seconds_sum 0.25',
      ]),
    )
  })

  it('shows the latest state of a pool and what is running here', async () => {
    const lines = await scrape(
      metricsOf(),
      { event: 'pool.state', queue: 'thumbs', active: 2, limit: 8, queued: 10 },
      { event: 'pool.state', queue: 'thumbs', active: 8, limit: 8, queued: 3 },
    )
    expect(lines).toEqual(
      expect.arrayContaining([
        'spillway_pool_active{queue="thumbs"} 8',
        'spillway_pool_limit{queue="thumbs"} 8',
        'spillway_pool_queued{queue="thumbs"} 3',
        `spillway_build_info{version="9.8.7",node="${process.versions.node}"} 1`,
      ]),
    )
  })

  it('reads queue depths, ages and dead letters from the store at every scrape', async () => {
    const metrics = metricsOf()
    let stored = [
      counts('a', { ready: 3, running: 2, scheduled: 1, retrying: 4, dead: 5, oldestReadyAt: NOW - 1_500 }),
    ]
    metrics.observeQueues(async () => stored)
    expect(await scrape(metrics)).toEqual(
      expect.arrayContaining([
        'spillway_queue_depth{queue="a",state="ready"} 3',
        'spillway_queue_depth{queue="a",state="running"} 2',
        'spillway_queue_depth{queue="a",state="scheduled"} 1',
        'spillway_queue_depth{queue="a",state="retrying"} 4',
        'spillway_dead_letter_depth{queue="a"} 5',
        'spillway_queue_oldest_ready_age_seconds{queue="a"} 1.5',
      ]),
    )
    stored = [counts('b', { ready: 1, oldestReadyAt: NOW + 50 })]
    const lines = await scrape(metrics)
    expect(lines).toContain('spillway_queue_depth{queue="b",state="ready"} 1')
    expect(lines).toContain('spillway_queue_oldest_ready_age_seconds{queue="b"} 0')
    expect(lines.filter((line) => line.includes('queue="a"'))).toEqual([])
  })

  it('answers without the queue gauges while the store does not', async () => {
    const metrics = metricsOf()
    let down = false
    metrics.observeQueues(async () => {
      if (down) throw new Error('locked')
      return [counts('a', { ready: 3 })]
    })
    expect(await scrape(metrics)).toContain('spillway_queue_depth{queue="a",state="ready"} 3')
    down = true
    const lines = await scrape(metrics, { event: 'accept.duration', queue: 'a', durationMs: 1 })
    expect(lines).toContain('spillway_accept_duration_seconds_count{queue="a"} 1')
    expect(lines.filter((line) => line.startsWith('spillway_queue_depth{'))).toEqual([])
  })

  it('reads the store once for scrapes that come together', async () => {
    const metrics = metricsOf()
    let reads = 0
    metrics.observeQueues(async () => {
      reads += 1
      return [counts('a', { ready: 1 })]
    })
    const [first, second] = await Promise.all([metrics.render(), metrics.render()])
    expect(first).toBe(second)
    expect(reads).toBe(1)
    await metrics.render()
    expect(reads).toBe(2)
  })

  it('counts label values beyond the cap as _other and keeps configured names apart', async () => {
    const metrics = metricsOf({ queues: ['q'], commands: ['known'], labelValuesMax: 2 })
    const received = (type: string): TelemetryEvent => ({
      event: 'command.received',
      queue: 'q',
      type,
      outcome: 'accepted',
      count: 1,
    })
    const lines = await scrape(metrics, ...['a', 'b', 'c', 'd', 'a', 'known'].map(received))
    expect(lines.filter((line) => line.startsWith('spillway_command_received_total{'))).toEqual([
      'spillway_command_received_total{queue="q",command="a",outcome="accepted"} 2',
      'spillway_command_received_total{queue="q",command="b",outcome="accepted"} 1',
      'spillway_command_received_total{queue="q",command="_other",outcome="accepted"} 2',
      'spillway_command_received_total{queue="q",command="known",outcome="accepted"} 1',
    ])
  })

  it('adds up the queues that share the overflow label and shows the oldest age among them', async () => {
    const metrics = metricsOf({ labelValuesMax: 0 })
    metrics.observeQueues(async () => [
      counts('x', { ready: 2, oldestReadyAt: NOW - 9_000 }),
      counts('y', { ready: 5, oldestReadyAt: NOW - 1_000 }),
    ])
    const lines = await scrape(metrics)
    expect(lines).toContain('spillway_queue_depth{queue="_other",state="ready"} 7')
    expect(lines).toContain('spillway_queue_oldest_ready_age_seconds{queue="_other"} 9')
  })

  it('keeps two instances apart', async () => {
    const [one, other] = [metricsOf(), metricsOf()]
    await scrape(one, { event: 'accept.duration', queue: 'mine', durationMs: 1 })
    expect(await other.render()).not.toContain('mine')
  })

  it('has a help text and a type for every metric and no series for log lines', async () => {
    const lines = await scrape(
      metricsOf(),
      { event: 'fault', where: 'claim', error: new Error('secret') },
      { event: 'lifecycle', what: 'worker started' },
      {
        event: 'command.exception',
        queue: 'q',
        type: 't',
        commandId: 'id-0',
        attempt: 1,
        state: 'retrying',
        errorCode: 'x',
        message: 'm',
      },
    )
    const named = (prefix: string) =>
      lines.filter((line) => line.startsWith(prefix)).map((line) => line.split(' ')[2])
    expect(named('# HELP')).toEqual(named('# TYPE'))
    expect(named('# HELP').every((name) => name?.startsWith('spillway_'))).toBe(true)
    expect(lines.join('\n')).not.toMatch(/secret|id-0/)
  })
})
