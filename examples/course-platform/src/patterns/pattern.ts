// What every write pattern can do, so that they are measured and killed by the same code.

import type { Click } from '../clicks.js'
import type { PlatformOptions } from '../platform.js'
import type { Site } from '../site.js'

export const PATTERN_NAMES = [
  ...(['sync', 'pool', 'buffer', 'store'] as const),
  ...(['journal', 'rabbitmq', 'nats', 'kafka', 'redis'] as const),
] as const
export type PatternName = (typeof PATTERN_NAMES)[number]
export type BrokerName = 'rabbitmq' | 'nats' | 'kafka' | 'redis'

export interface Pattern {
  readonly name: PatternName
  readonly summary: string
  /** The server that clicks travel through; null = none. */
  readonly broker: BrokerName | null
  /** Whether `spillway agent` takes the clicks to the database. */
  readonly hasAgent: boolean
  /** Opens on a site, new or left behind by a killed process. */
  open(site: Site): Promise<RunningPattern>
}

/** A pattern that keeps what it was answered for, so that the platform itself can be run with it. */
export interface DurablePattern extends Pattern {
  /** The one value in which these patterns differ, and what it asks of the process. */
  platform(site: Site): Promise<PlatformOptions>
}

export interface RunningPattern {
  /** Resolves when the pattern says yes to the caller, which is not yet a row in all of them. */
  record(click: Click): Promise<void>
  /** Resolves when everything of this process that still can land has landed. */
  settled(): Promise<void>
  close(): Promise<void>
}
