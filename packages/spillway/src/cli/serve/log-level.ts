// Which lines a server writes: the flag, else SPILLWAY_LOG_LEVEL, else info.

import type { LogLevel } from '../../telemetry/index.js'
import type { Session } from '../command.js'
import { usageError } from '../usage-error.js'

const LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

export const logLevelArg = {
  'log-level': {
    type: 'string',
    valueHint: 'level',
    description: `Lowest level of log lines: ${LEVELS.join(', ')}`,
  },
} as const

export function logLevel({ environment }: Session, flag: string | undefined): LogLevel {
  const wanted = flag ?? environment.logLevel ?? 'info'
  const level = LEVELS.find((known) => known === wanted)
  if (level !== undefined) return level
  const source = flag === undefined ? 'SPILLWAY_LOG_LEVEL' : '--log-level'
  throw usageError(`${source} takes one of ${LEVELS.join(', ')}; received '${wanted}'.`)
}
