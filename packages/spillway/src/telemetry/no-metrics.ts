// Metrics of a process that nobody scrapes: nothing is counted, and the library that would count is not loaded.

import type { Metrics } from './prometheus.js'

export const NO_METRICS: Metrics = {
  telemetry: { record: () => undefined },
  contentType: 'text/plain; version=0.0.4; charset=utf-8',
  observeQueues: () => undefined,
  observeBrokers: () => undefined,
  observeJournals: () => undefined,
  render: async () => '',
}
