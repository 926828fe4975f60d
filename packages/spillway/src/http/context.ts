// What every group of routes needs: the Spillway, where it is mounted, its bounds, and a place for faults of its own.

import type { FastifyRequest } from 'fastify'
import type { Spillway } from '../app/api.js'
import type { BodyDeadlines } from './body-deadlines.js'
import type { HttpLimits } from './limits.js'

/** What `/metrics` shows: `createMetrics()` makes one. */
export interface MetricsSource {
  readonly contentType: string
  render(): Promise<string>
}

export interface HttpContext {
  readonly spillway: Spillway
  /** Path under which the routes are mounted: '' or '/...'. */
  readonly prefix: string
  readonly limits: HttpLimits
  readonly metrics: MetricsSource | null
  readonly deadlines: BodyDeadlines
  /** Aborts when the server closes: whoever waits answers with what there is. */
  readonly closing: AbortSignal
  /** Whether details may be shown to whoever sent this. */
  readonly trusts: (request: FastifyRequest) => boolean
}
