// Spillway's own commands and queues. They travel like any others and are worked on where there is a worker, but nobody submits
// them from outside: intake does not know them.

import { type AnyCommand, type ResolvedConfig, type ResolvedQueue, resolveQueues } from '../config/index.js'
import { RESERVED_PREFIX } from '../domain/index.js'
import { OPERATION_TYPE } from '../operations/index.js'

export const CALLBACK_TYPE = `${RESERVED_PREFIX}callback`
export const CALLBACK_QUEUE = `${RESERVED_PREFIX}callbacks`
export const OPERATION_QUEUE = `${RESERVED_PREFIX}operations`

/** For the labels of metrics, which must keep these apart whatever else turns up. */
export const BUILT_IN_QUEUES: readonly string[] = [CALLBACK_QUEUE, OPERATION_QUEUE]
export const BUILT_IN_TYPES: readonly string[] = [CALLBACK_TYPE, OPERATION_TYPE]

/** A command of Spillway's own, and how many of it run at once in one process. */
export interface BuiltIn {
  readonly command: AnyCommand
  readonly concurrency: number
}

export function withBuiltIns(config: ResolvedConfig, builtIns: readonly BuiltIn[]): ResolvedConfig {
  const commands = new Map(config.commands)
  const queues = new Map(config.queues)
  for (const { command, concurrency } of builtIns) {
    commands.set(command.name, command)
    queues.set(command.queue, queueOf(command, concurrency))
  }
  return { ...config, commands, queues }
}

function queueOf(command: AnyCommand, concurrency: number): ResolvedQueue {
  const queue = resolveQueues({}, [command]).get(command.queue) as ResolvedQueue
  return { ...queue, concurrency }
}
