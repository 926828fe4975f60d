// What the parts of a worker share: the ports they were given, the settler of all queues, and the signal that ends it all.

import type { Clock, Executor, Random, Store, Telemetry } from '../ports/index.js'
import type { Settler } from './settler.js'

export interface WorkerContext {
  readonly store: Store
  readonly executor: Executor
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
  readonly workerId: string
  readonly pollMs: number
  readonly settler: Settler
  /** Aborts when the worker gives up on everything. */
  readonly ended: AbortSignal
}
