// The figures of a run as they are compared and shown: costs divided by the commands that caused them.

import type { LoadReport } from './side-actions.js'

export interface RunFigures {
  readonly landedPerSecond: number
  readonly acceptedPerSecond: number
  readonly ackP50Ms: number
  readonly ackP99Ms: number
  /** CPU time in microseconds per command. */
  readonly processCpuUs: number
  readonly serversCpuUs: number
  readonly logBytes: number
  readonly redisLogBytes: number
  readonly events: number
}

export function perCommand(report: LoadReport): RunFigures {
  const { landedPerSecond, acceptedPerSecond, ackP50Ms, ackP99Ms, events } = report
  return {
    ...{ landedPerSecond, acceptedPerSecond, ackP50Ms, ackP99Ms, events },
    processCpuUs: (report.processCpuSeconds / events) * 1e6,
    serversCpuUs: ((report.databaseCpuSeconds + report.redisCpuSeconds) / events) * 1e6,
    logBytes: report.logBytes / events,
    redisLogBytes: report.redisLogBytes / events,
  }
}
