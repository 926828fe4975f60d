// Puts a running Spillway together: the only place that knows every part. Parts get their clock, chance, store and telemetry
// handed in; none looks for another one by itself.

import { lateShortWay } from '../channels/index.js'
import { Intake } from '../intake/index.js'
import { Maintenance, Registration } from '../maintenance/index.js'
import type { NodeRole, Store } from '../ports/index.js'
import { createPressure, holdProcess, newSecret, processPlace } from '../runtime/index.js'
import type { Worker } from '../worker/index.js'
import type { Spillway } from './api.js'
import { AppendCount } from './append-count.js'
import { withBuiltIns } from './built-ins.js'
import { CallbackDeliveries } from './callback-deliveries.js'
import { type CallbackParts, callbackParts } from './callback-parts.js'
import { CommandEvents } from './command-events.js'
import { CommandOperations } from './command-operations.js'
import { CommandVerbs } from './command-verbs.js'
import { Completions } from './completions.js'
import { type ConnectedChannels, connectChannels } from './connect-channels.js'
import type { Connections } from './connections/index.js'
import { deadLetters } from './dead-letters.js'
import { foreignCommands } from './foreign-commands.js'
import type { Foundation } from './foundation.js'
import { GoneEndpoints } from './gone-endpoints.js'
import { observeSettles } from './observe-settles.js'
import { operationCommand } from './operation-command.js'
import { OutcomeWatch } from './outcome-watch.js'
import { RunningSpillway } from './running-spillway.js'
import { Stations } from './stations.js'
import { VERSION } from './version.js'

/** How long a node counts as alive, and keeps a role, after it was last heard of. */
const NODE_TTL_MS = 15_000
/** Operations at once in one process. */
const OPERATIONS_AT_ONCE = 4

export interface AssemblyOptions {
  /** Whether the store shows this process among its nodes. Default true; false is for tools that only look. */
  register?: boolean
  /** What this process does besides its roles, as the store shows it. */
  besides?: readonly NodeRole[]
}

/** What all parts are made of. */
interface Ground extends Foundation {
  readonly connections: Connections
  readonly store: Store
  readonly events: CommandEvents
  readonly watch: OutcomeWatch
  /** Null where no command is executed; the half of Spillway that only a worker needs is not even loaded there. */
  readonly WorkerHere: typeof Worker | null
}

/** Of connections that are open. */
export async function assemble(
  foundation: Foundation,
  connections: Connections,
  options: AssemblyOptions,
): Promise<Spillway> {
  const { config, roles, clock, metrics, telemetry } = foundation
  const WorkerHere = roles.includes('worker') ? (await import('../worker/index.js')).Worker : null
  const events = new CommandEvents(telemetry)
  const watch = new OutcomeWatch((ids, options) => channels.read(ids, options), clock)
  const store = observeSettles(connections.store, (chunkIds) => watch.settled(chunkIds))
  metrics.observeQueues(() => store.reader.queues())
  metrics.observeBrokers(() => connections.usedBrokerStates())
  metrics.observeJournals(() => connections.journalMeasures())
  const ground = { ...foundation, connections, store, events, watch, WorkerHere }

  const endpoints = new GoneEndpoints(store.shared)
  const callbacks = callbackParts(config.callbacks, { ...ground, endpoints })
  const verbs = verbsOf(ground, callbacks, (id) => channels.sent(id))
  const operations = { command: operationCommand({ ...ground, verbs }), concurrency: OPERATIONS_AT_ONCE }
  const whole = withBuiltIns(config, [...callbacks.builtIns, operations])
  const ownAppends = new AppendCount(clock)
  let worker: Worker | null = null
  const channels = connectChannels({
    ...{ ...ground, config: whole, store: ownAppends.around(store) },
    ...{ newSecret, composer: callbacks.composer, listener: events },
    shortWay: (queue) => ownAppends.aroundShortWay(lateShortWay(() => worker?.shortWayOf(queue) ?? null)),
  })
  const stations = stationsOf(ground, options, channels, ownAppends, callbacks)
  worker = stations.worker
  stations.start()
  return new RunningSpillway({
    ...ground,
    ...{ verbs, stations, queues: whole.queues, sent: channels.sent },
    completions: completionsOf(ground, channels, callbacks),
    intake: roles.includes('intake') ? intakeOf(ground, channels) : null,
    deadLetters: deadLetters(store),
    callbacks: new CallbackDeliveries({ ...ground, endpoints }),
    operations: new CommandOperations(ground),
  })
}

function stationsOf(
  ground: Ground,
  { register, besides = [] }: AssemblyOptions,
  channels: ConnectedChannels,
  ownAppends: AppendCount,
  callbacks: CallbackParts,
): Stations {
  const { config, roles, connections, events, newChunkId, WorkerHere } = ground
  const { executor, queues } = channels
  const nodeId = newChunkId()
  const route = callbacks.composer === null ? {} : { callbackRoute: callbacks.composer.route }
  const letGo = holdProcess()
  return new Stations({
    connections,
    executor,
    channels: [...channels.byQueue.values()],
    worker:
      WorkerHere === null
        ? null
        : new WorkerHere({
            ...ground,
            ...config.worker,
            ...route,
            workerId: ground.workerId,
            ownAppends,
            foreignCommands: foreignCommands(ground),
            readPressure: createPressure(),
            executor,
            queues,
            listener: events,
          }),
    maintenance: roles.includes('maintenance')
      ? new Maintenance({ ...ground, ...config.maintenance, nodeId, roleLeaseMs: NODE_TTL_MS })
      : null,
    registration: register === false ? null : registrationOf(ground, nodeId, besides),
    release: async () => {
      letGo()
      events.close()
      await callbacks.close()
      await channels.release()
    },
  })
}

function registrationOf(ground: Ground, nodeId: string, besides: readonly NodeRole[]): Registration {
  const roles = [...ground.roles, ...besides]
  const node = { id: nodeId, ...processPlace(), version: VERSION, roles }
  return new Registration({ ...ground, nodes: ground.store.nodes, node, ttlMs: NODE_TTL_MS })
}

function intakeOf({ config, clock, telemetry }: Ground, { byQueue }: ConnectedChannels): Intake {
  const { commands: definitions, queues } = config
  return new Intake({ definitions, queues, channels: byQueue, clock, telemetry })
}

function verbsOf(ground: Ground, { composer }: CallbackParts, sent: ConnectedChannels['sent']): CommandVerbs {
  return new CommandVerbs({
    ...ground,
    ...{ composer, sent },
    definitions: ground.config.commands,
    listener: ground.events,
    ended: (chunkIds) => ground.watch.settled(chunkIds),
  })
}

function completionsOf(
  ground: Ground,
  { executor, read }: ConnectedChannels,
  { composer }: CallbackParts,
): Completions {
  const { commands: definitions, queues } = ground.config
  return new Completions({
    ...ground,
    ...{ definitions, queues, composer, executor, read, listener: ground.events },
    ended: (chunkIds) => ground.watch.settled(chunkIds),
  })
}
