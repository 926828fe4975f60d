// What every part of a running Spillway stands on: its configuration, time, chance, ids, and where it reports to.

import type { ResolvedConfig } from '../config/index.js'
import { type Clock, type NewChunkId, type Random, type Telemetry, tee } from '../ports/index.js'
import { createChunkIds, processName, systemClock, systemRandom } from '../runtime/index.js'
import { createLogs, createMetrics, type LogLevel, type Metrics } from '../telemetry/index.js'
import type { Role } from './api.js'
import { BUILT_IN_QUEUES, BUILT_IN_TYPES } from './built-ins.js'
import { VERSION } from './version.js'

export interface FoundationOptions {
  /** Lines of at least this level go to standard error. Default 'warn'. */
  logs?: LogLevel
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

export function foundationOf(
  config: ResolvedConfig,
  roles: readonly Role[],
  options: FoundationOptions,
): Foundation {
  const { clock = systemClock, random = systemRandom } = options
  const workerId = config.worker.id ?? processName()
  const metrics = metricsFor(config, clock)
  const logs = createLogs({ level: options.logs ?? 'warn', workerId })
  const telemetry = tee(metrics.telemetry, logs, ...config.telemetry)
  const newChunkId = createChunkIds(clock, random)
  return { config, roles, clock, random, newChunkId, telemetry, metrics, workerId }
}

function metricsFor(config: ResolvedConfig, clock: Clock): Metrics {
  return createMetrics({
    clock,
    version: VERSION,
    queues: [...config.queues.keys(), ...BUILT_IN_QUEUES],
    commands: [...config.commands.keys(), ...BUILT_IN_TYPES],
  })
}
