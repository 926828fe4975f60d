// One channel per queue, all on one executor. A command that only this process knows (volatile channels) is read from its
// channel, everything else from the store.

import { attachThreads, createChannel, type OpenChannel } from '../channels/index.js'
import type { ResolvedConfig, ResolvedQueue } from '../config/index.js'
import type { Clock, Executor, NewChunkId, Random, Store, Telemetry } from '../ports/index.js'
import { createExecutor } from '../worker/index.js'
import type { ReadCommands } from './outcome-watch.js'

export interface ConnectOptions {
  readonly config: ResolvedConfig
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  readonly newChunkId: NewChunkId
  readonly telemetry: Telemetry
}

export interface ConnectedChannels {
  readonly executor: Executor
  readonly byQueue: ReadonlyMap<string, OpenChannel>
  /** The queues as a worker sees them: commands of pools with threads have a handler that runs there. */
  readonly queues: readonly ResolvedQueue[]
  readonly read: ReadCommands
  /** Ends the worker threads. */
  release(): Promise<void>
}

export function connectChannels(options: ConnectOptions): ConnectedChannels {
  const { config, store, telemetry } = options
  const threads = attachThreads(config.commands, config.queues, telemetry)
  const { definitions } = threads
  const executor = createExecutor({ ...options, definitions })
  const byQueue = new Map<string, OpenChannel>()
  for (const queue of config.queues.values()) {
    byQueue.set(
      queue.name,
      createChannel(queue.channel, {
        ...options,
        queue,
        definitions,
        executor,
        // A store that is synchronous inside gains nothing from a second append in flight.
        appendsInFlightMax: store.capabilities.transactionalSettle === 'sync' ? 1 : 2,
        closeTimeoutMs: config.worker.closeTimeoutMs,
      }),
    )
  }
  const channels = [...byQueue.values()]
  return {
    executor,
    byQueue,
    queues: [...config.queues.values()].map((queue) => ({
      ...queue,
      commands: queue.commands.map((command) => definitions.get(command.name) ?? command),
    })),
    read: async (ids, options) => {
      const here = ids.map((id) => lookUp(channels, id))
      if (!here.includes(null)) return here
      const stored = await store.reader.get(ids, options)
      return ids.map((_, index) => here[index] ?? stored[index] ?? null)
    },
    release: () => threads.close(),
  }
}

function lookUp(channels: readonly OpenChannel[], id: string) {
  for (const channel of channels) {
    const view = channel.lookup(id)
    if (view !== null) return view
  }
  return null
}
