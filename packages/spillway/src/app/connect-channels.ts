// One channel per queue, all on one executor. A command that only this process knows (volatile channels) is read from its
// channel, everything else from the store.

import { attachThreads, createChannel, type OpenChannel, QueueLoads } from '../channels/index.js'
import type { ResolvedConfig, ResolvedQueue } from '../config/index.js'
import type {
  Clock,
  Executor,
  NewChunkId,
  NewSecret,
  Random,
  SettledListener,
  Store,
  Telemetry,
} from '../ports/index.js'
import { createExecutor } from '../worker/index.js'
import type { CallbackComposer } from './callback-composer.js'
import type { ReadCommands } from './outcome-watch.js'

export interface ConnectOptions {
  /** With Spillway's own queues and commands. */
  readonly config: ResolvedConfig
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  readonly newChunkId: NewChunkId
  readonly newSecret: NewSecret
  readonly telemetry: Telemetry
  readonly workerId: string
  /** Null when nobody is called back. */
  readonly composer: CallbackComposer | null
  readonly listener: SettledListener
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
  const { config, store, composer, telemetry } = options
  const { queues } = config
  const threads = attachThreads(config.commands, queues, telemetry)
  const { definitions } = threads
  const callbackOf = composer === null ? {} : { callbackOf: composer.composeReported.bind(composer) }
  const executor = createExecutor({ ...options, ...callbackOf, definitions, queues })
  const loads = new QueueLoads({ reader: store.reader, clock: options.clock, telemetry })
  const byQueue = new Map<string, OpenChannel>()
  for (const queue of queues.values()) {
    byQueue.set(
      queue.name,
      createChannel(queue.channel, {
        ...options,
        ...(composer === null ? {} : { callbackRoute: composer.route }),
        queue,
        definitions,
        executor,
        loads,
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
    queues: [...queues.values()].map((queue) => ({
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
