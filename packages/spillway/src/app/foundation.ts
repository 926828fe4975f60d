// What every part of a running Spillway stands on: its configuration, time, chance, ids, and where it reports to.

import type { ResolvedConfig } from '../config/index.js'
import { type Clock, type NewChunkId, type Random, type Telemetry, tee } from '../ports/index.js'
import { createChunkIds, processName, systemClock, systemRandom } from '../runtime/index.js'
import type { LogLevel, Metrics } from '../telemetry/index.js'
import { NO_METRICS } from '../telemetry/no-metrics.js'
import type { Role } from './api.js'
import { BUILT_IN_QUEUES, BUILT_IN_TYPES } from './built-ins.js'
import { VERSION } from './version.js'

export interface FoundationOptions {
  /** Lines of at least this level go to standard error. Default 'warn'. */
  logs?: LogLevel
  /** Whether what happens is counted. Default true; false is for tools that nobody scrapes: `metrics.render()` is empty then. */
  metrics?: boolean
  /** For tests and simulations. */
  clock?: Clock
  random?: Random
}

export interface Foundation {
  readonly config: ResolvedConfig
  readonly roles: readonly Role[]
  readonly clock: Clock
  readonly random: Random
  readonly newChunkId: NewChunkId
  readonly telemetry: Telemetry
  readonly metrics: Metrics
  readonly workerId: string
}

export async function foundationOf(
  config: ResolvedConfig,
  roles: readonly Role[],
  options: FoundationOptions,
): Promise<Foundation> {
  const { clock = systemClock, random = systemRandom } = options
  const workerId = config.worker.id ?? processName()
  const [metrics, logs] = await Promise.all([
    options.metrics === false ? NO_METRICS : metricsFor(config, clock),
    logsAt(options.logs ?? 'warn', workerId),
  ])
  const telemetry = tee(metrics.telemetry, ...logs, ...config.telemetry)
  const newChunkId = createChunkIds(clock, random)
  return { config, roles, clock, random, newChunkId, telemetry, metrics, workerId }
}

// prom-client and pino are loaded only where somebody reads what they write: it is felt in a command that ends at once.

async function logsAt(level: LogLevel, workerId: string): Promise<readonly Telemetry[]> {
  if (level === 'silent') return []
  const { createLogs } = await import('../telemetry/logs.js')
  return [createLogs({ level, workerId })]
}

async function metricsFor(config: ResolvedConfig, clock: Clock): Promise<Metrics> {
  const { createMetrics } = await import('../telemetry/prometheus.js')
  return createMetrics({
    clock,
    version: VERSION,
    queues: [...config.queues.keys(), ...BUILT_IN_QUEUES],
    commands: [...config.commands.keys(), ...BUILT_IN_TYPES],
  })
}
