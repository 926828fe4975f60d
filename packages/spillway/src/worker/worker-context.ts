// What the parts of a worker share: the ports they were given, the settler of all queues, and the signal that ends it all.

import type {
  CallbackRoute,
  Clock,
  Executor,
  Random,
  ReadPressure,
  Store,
  Telemetry,
} from '../ports/index.js'
import type { Aftermath } from './aftermath.js'
import type { OwnAppends } from './claimer.js'
import type { ForeignCommands } from './deliveries/foreign-commands.js'
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
  readonly aftermath: Aftermath
  /** Where callbacks go; absent = nobody is called back. */
  readonly callbackRoute?: CallbackRoute
  readonly ownAppends?: OwnAppends | undefined
  /** For single commands that come over a broker; absent = only chunks are taken from one. */
  readonly foreignCommands?: ForeignCommands | undefined
  readonly readPressure?: ReadPressure | undefined
  /** Aborts when the worker gives up on everything. */
  readonly ended: AbortSignal
}
