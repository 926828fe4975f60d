// What the stages of an execution share: the executor's ports, and what it keeps between calls.

import type { AnyCommand } from '../config/index.js'
import type {
  Clock,
  ExecutableCommand,
  ExecuteOptions,
  NewSecret,
  Random,
  Store,
  Telemetry,
} from '../ports/index.js'
import { CommandAids } from './command-aids.js'
import type { Durations } from './durations.js'
import type { CallOptions } from './handler-call.js'
import type { PayloadChecks } from './payload-checks.js'
import type { Reporter } from './reporter.js'
import { SchemaFault } from './schema-fault.js'
import type { StepRecords } from './step-records.js'
import type { Call, Slice, Trial } from './trial.js'

export interface ExecutionContext {
  readonly store: Pick<Store, 'name' | 'capabilities' | 'settleWithin' | 'shared'>
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
  readonly newSecret: NewSecret
  readonly reporter: Reporter
  readonly records: StepRecords
  readonly payloads: PayloadChecks
}

/** One turn of commands: what it is about, and what comes up on the way. */
export interface Turn {
  readonly definition: AnyCommand
  readonly commands: readonly ExecutableCommand[]
  readonly aids: CommandAids
  readonly durations: Durations
}

export function aidsOf({ store, clock, random, newSecret }: ExecutionContext): CommandAids {
  return new CommandAids({ shared: store.shared, clock, random, newSecret })
}

export function callOptions(
  { clock }: ExecutionContext,
  { timeoutMs }: AnyCommand,
  { signal, onHung }: ExecuteOptions,
): CallOptions {
  return onHung === undefined ? { clock, timeoutMs, signal } : { clock, timeoutMs, signal, onHung }
}

export function callOf({ definition, commands, aids }: Turn, { from, to }: Slice): Call {
  const whole = from === 0 && to === commands.length
  return { definition, commands: whole ? commands : commands.slice(from, to), aids }
}

/**
 * Nothing about these commands: none of the others will fare better, and no decision is due about any of them. Whoever recorded steps is
 * not given back untried all the same: its next execution would know nothing of them.
 */
export function checkedForSchema(
  trial: Trial,
  { aids }: Turn,
  { rejectSchemaFaults }: ExecuteOptions,
): Trial {
  if (rejectSchemaFaults === true && !trial.ok && trial.exception.fault === 'schema' && !aids.recorded)
    throw new SchemaFault(trial.exception.error)
  return trial
}
