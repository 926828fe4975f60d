export { instrumentStore } from './instrument-store.js'
export { createLogs, type LogLevel } from './logs.js'
export { createMetrics, type Metrics } from './prometheus.js'
export type { JournalMeasure } from './transit-gauges.js'
