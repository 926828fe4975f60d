// What is on its way to a worker outside of the store, as gauges: messages on brokers, and this process's journals.

import type { BrokerQueueState } from '../ports/index.js'
import type { LabelValues } from './label-values.js'
import type { MetricFamilies } from './metric-families.js'
import { ScrapedGauges } from './scraped-gauges.js'

/** The journal of one spool folder. */
export interface JournalMeasure {
  readonly spool: string
  readonly bytes: number
  readonly bytesMax: number
  /** Null before the first look at the disk. */
  readonly freeBytes: number | null
  /** It takes nothing now: it is full, or its disk fails. */
  readonly isRefusing: boolean
}

const MESSAGE_STATES = ['waiting', 'delivered', 'refused'] as const

export function brokerGauges(
  { brokerMessages }: MetricFamilies,
  queues: LabelValues,
): ScrapedGauges<readonly BrokerQueueState[]> {
  return new ScrapedGauges({
    gauges: [brokerMessages],
    write(states) {
      for (const entry of states)
        for (const state of MESSAGE_STATES) {
          const count = entry[state]
          // Added up, because several queues may share the overflow label.
          if (count !== null) brokerMessages.inc({ queue: queues.cap(entry.queue), state }, count)
        }
    },
  })
}

export function journalGauges(
  { journalBytes, journalBytesMax, journalDiskFree, journalRefusing }: MetricFamilies,
  spools: LabelValues,
): ScrapedGauges<readonly JournalMeasure[]> {
  return new ScrapedGauges({
    gauges: [journalBytes, journalBytesMax, journalDiskFree, journalRefusing],
    write(measures) {
      for (const { bytes, bytesMax, freeBytes, isRefusing, ...place } of measures) {
        const spool = spools.cap(place.spool)
        journalBytes.set({ spool }, bytes)
        journalBytesMax.set({ spool }, bytesMax)
        journalRefusing.set({ spool }, isRefusing ? 1 : 0)
        if (freeBytes !== null) journalDiskFree.set({ spool }, freeBytes)
      }
    },
  })
}
