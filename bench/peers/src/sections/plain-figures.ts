// Sides of one process beside those of several: the same figures, as far as they have them.

import { perCommand } from '../per-command.js'
import type { LoadReport } from '../side-actions.js'
import type { TransitFigures } from '../transit-run.js'

export function plainFigures(report: LoadReport): TransitFigures {
  const { landedPerSecond, ackP50Ms, ackP99Ms, processCpuUs, serversCpuUs } = perCommand(report)
  return {
    ...{ landedPerSecond, ackP50Ms, ackP99Ms, serversCpuUs },
    ...{ submitCpuUs: processCpuUs, agentCpuUs: 0, workerCpuUs: 0 },
    ...{ backlogPerSecond: 0, backlogAgentCpuUs: 0, backlogWorkerCpuUs: 0, backlogServersCpuUs: 0 },
  }
}

/** Of every process that takes part, in the order of a command's way. */
export function processCpu(figures: TransitFigures): string {
  return textOf([
    ['app', figures.submitCpuUs],
    ['agent', figures.agentCpuUs],
    ['worker', figures.workerCpuUs],
    ['servers', figures.serversCpuUs],
  ])
}

export function backlogCpu(figures: TransitFigures): string {
  return textOf([
    ['agent', figures.backlogAgentCpuUs],
    ['worker', figures.backlogWorkerCpuUs],
    ['servers', figures.backlogServersCpuUs],
  ])
}

function textOf(parts: readonly (readonly [name: string, us: number])[]): string {
  return parts
    .filter(([, us]) => us > 0)
    .map(([name, us]) => `${name} ${us.toFixed(us < 10 ? 1 : 0)}`)
    .join(', ')
}
