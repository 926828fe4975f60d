// One channel per queue, all on one executor. A command that only this process knows (volatile channels) is read from its channel,
// everything else from the store, and what the store does not know yet from the channel that sent it on.

import {
  attachThreads,
  type ChannelContext,
  createChannel,
  type OpenChannel,
  QueueLoads,
} from '../channels/index.js'
import type { ResolvedConfig, ResolvedQueue } from '../config/index.js'
import { chunkIdTime, lateConflictId, parseCommandId } from '../domain/index.js'
import type {
  Clock,
  CommandView,
  Executor,
  NewChunkId,
  NewSecret,
  Random,
  SettledListener,
  ShortWay,
  Store,
  StoreReader,
  Telemetry,
} from '../ports/index.js'
import { createExecutor } from '../worker/executor.js'
import type { CallbackComposer } from './callback-composer.js'
import type { Connections } from './connections/index.js'
import type { ReadCommands } from './outcome-watch.js'

export interface ConnectOptions {
  /** With Spillway's own queues and commands. */
  readonly config: ResolvedConfig
  readonly connections: Pick<Connections, 'linked' | 'journalOf'>
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
  /** That of the queue's worker in this process, as long as there is one. */
  readonly shortWay: (queue: string) => ShortWay
}

export interface ConnectedChannels {
  readonly executor: Executor
  readonly byQueue: ReadonlyMap<string, OpenChannel>
  /** The queues as a worker sees them: commands of pools with threads have a handler that runs there. */
  readonly queues: readonly ResolvedQueue[]
  readonly read: ReadCommands
  /** A command that this process sent on and that may still be on its way. */
  readonly sent: (id: string) => CommandView | null
  /** Ends the worker threads. */
  release(): Promise<void>
}

export function connectChannels(options: ConnectOptions): ConnectedChannels {
  const { config, connections, composer, telemetry } = options
  const queues = new Map([...config.queues].map(([name, queue]) => [name, connections.linked(queue)]))
  const threads = attachThreads(config.commands, queues, telemetry)
  const { definitions } = threads
  const callbackOf = composer === null ? {} : { callbackOf: composer.composeReported.bind(composer) }
  const executor = createExecutor({ ...options, ...callbackOf, definitions, queues })
  const byQueue = openChannels(options, queues, { definitions, executor })
  const channels = [...byQueue.values()]
  const sent = (id: string): CommandView | null => findSent(channels, id, options)
  return {
    executor,
    byQueue,
    queues: [...queues.values()].map((queue) => ({
      ...queue,
      commands: queue.commands.map((command) => definitions.get(command.name) ?? command),
    })),
    read: (ids, readOptions) => readCommands(channels, sent, options.store.reader, ids, readOptions),
    sent,
    release: () => threads.close(),
  }
}

function openChannels(
  options: ConnectOptions,
  queues: ReadonlyMap<string, ResolvedQueue>,
  parts: Pick<ChannelContext, 'definitions' | 'executor'>,
): ReadonlyMap<string, OpenChannel> {
  const { config, connections, store, composer, clock, telemetry } = options
  const loads = new QueueLoads({ reader: store.reader, clock, telemetry })
  const byQueue = new Map<string, OpenChannel>()
  for (const queue of queues.values()) {
    const journal = connections.journalOf(queue)
    byQueue.set(
      queue.name,
      createChannel(queue.channel, {
        ...options,
        ...parts,
        ...(composer === null ? {} : { callbackRoute: composer.route }),
        ...(journal === null ? {} : { journal }),
        shortWay: options.shortWay(queue.name),
        queue,
        loads,
        // A store that is synchronous inside gains nothing from a second append in flight.
        appendsInFlightMax: store.capabilities.transactionalSettle === 'sync' ? 1 : 2,
        closeTimeoutMs: config.worker.closeTimeoutMs,
      }),
    )
  }
  return byQueue
}

async function readCommands(
  channels: readonly OpenChannel[],
  sent: (id: string) => CommandView | null,
  reader: StoreReader,
  ids: readonly string[],
  options?: { readonly payload?: boolean },
): Promise<readonly (CommandView | null)[]> {
  const here = ids.map((id) => lookUp(channels, id))
  if (!here.includes(null)) return here
  const stored = await reader.get(ids, options)
  const found = ids.map((_, index) => here[index] ?? stored[index] ?? null)
  if (!found.includes(null) || !channels.some(({ kind }) => kind === 'broker' || kind === 'journal'))
    return found
  const conflicts = await readConflicts(reader, ids, found, options)
  return ids.map((id, index) => found[index] ?? conflicts.get(id) ?? sent(id))
}

/** Commands that were acknowledged before anybody could know that their key was taken: they failed under an id of their own. */
async function readConflicts(
  reader: StoreReader,
  ids: readonly string[],
  found: readonly (CommandView | null)[],
  options?: { readonly payload?: boolean },
): Promise<ReadonlyMap<string, CommandView>> {
  const conflictIds = new Map<string, string>()
  for (const [index, id] of ids.entries()) {
    const conflictId = found[index] === null ? lateConflictId(id) : null
    if (conflictId !== null) conflictIds.set(conflictId, id)
  }
  const views = await reader.get([...conflictIds.keys()], options)
  return new Map(
    views.flatMap((view) => (view === null ? [] : [[conflictIds.get(view.id) ?? view.id, view]])),
  )
}

function lookUp(channels: readonly OpenChannel[], id: string): CommandView | null {
  for (const channel of channels) {
    const view = channel.lookup(id)
    if (view !== null) return view
  }
  return null
}

/** What is older than the retention is not on its way: it was removed. */
function findSent(
  channels: readonly OpenChannel[],
  id: string,
  { config, clock }: Pick<ConnectOptions, 'config' | 'clock'>,
): CommandView | null {
  const madeAt = chunkIdTime(parseCommandId(id)?.chunkId ?? '')
  if (!(madeAt + config.maintenance.retentionMs > clock.now())) return null
  for (const channel of channels) {
    const view = channel.lookupSent(id)
    if (view !== null) return view
  }
  return null
}
