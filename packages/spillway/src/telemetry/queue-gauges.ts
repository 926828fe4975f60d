// Gauges that describe the store rather than this process: read when somebody scrapes, never counted along the way, so that
// they agree with the store whatever crashed in between.

import { PARKED_STATES } from '../domain/index.js'
import type { Clock, QueueCounts } from '../ports/index.js'
import type { LabelValues } from './label-values.js'
import type { MetricFamilies } from './metric-families.js'

export type QueueCountsSource = () => Promise<readonly QueueCounts[]>

const DEPTH_STATES = ['ready', 'running', ...PARKED_STATES] as const

export class QueueGauges {
  readonly #families: MetricFamilies
  readonly #queues: LabelValues
  readonly #clock: Pick<Clock, 'now'>
  #source: QueueCountsSource | null = null
  #refreshing: Promise<void> | null = null

  constructor(families: MetricFamilies, queues: LabelValues, clock: Pick<Clock, 'now'>) {
    this.#families = families
    this.#queues = queues
    this.#clock = clock
  }

  observe(source: QueueCountsSource): void {
    this.#source = source
  }

  /** Scrapes that come together share one read of the store. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#read().finally(() => {
      this.#refreshing = null
    })
    return this.#refreshing
  }

  async #read(): Promise<void> {
    if (this.#source === null) return
    let counts: readonly QueueCounts[]
    try {
      counts = await this.#source()
    } catch {
      // Series that are absent say "unknown"; old values would say "as before" while the store is down.
      this.#reset()
      return
    }
    this.#reset()
    this.#write(counts)
  }

  #reset(): void {
    this.#families.queueDepth.reset()
    this.#families.oldestReadyAge.reset()
    this.#families.deadLetterDepth.reset()
    this.#families.readyBytes.reset()
  }

  #write(counts: readonly QueueCounts[]): void {
    const { queueDepth, oldestReadyAge, deadLetterDepth, readyBytes } = this.#families
    const now = this.#clock.now()
    const oldest = new Map<string, number>()
    for (const entry of counts) {
      const queue = this.#queues.cap(entry.queue)
      // Added up, because several queues may share the overflow label.
      for (const state of DEPTH_STATES) queueDepth.inc({ queue, state }, entry[state])
      deadLetterDepth.inc({ queue }, entry.dead)
      readyBytes.inc({ queue }, entry.readyBytes)
      const ageMs = entry.oldestReadyAt === null ? 0 : Math.max(0, now - entry.oldestReadyAt)
      oldest.set(queue, Math.max(oldest.get(queue) ?? 0, ageMs))
    }
    for (const [queue, ageMs] of oldest) oldestReadyAge.set({ queue }, ageMs / 1_000)
  }
}
