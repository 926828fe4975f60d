// Puts a running Spillway together: the only place that knows every part. Parts get their clock, chance, store and telemetry
// handed in; none looks for another one by itself.

import type { ResolvedConfig } from '../config/index.js'
import { Intake } from '../intake/index.js'
import { Maintenance, Registration } from '../maintenance/index.js'
import { type Clock, type NewChunkId, type Random, type Store, type Telemetry, tee } from '../ports/index.js'
import {
  createChunkIds,
  createPressure,
  holdProcess,
  newSecret,
  processName,
  processPlace,
  systemClock,
  systemRandom,
} from '../runtime/index.js'
import {
  createLogs,
  createMetrics,
  instrumentStore,
  type LogLevel,
  type Metrics,
} from '../telemetry/index.js'
import { Worker } from '../worker/index.js'
import type { Role, Spillway } from './api.js'
import { AppendCount } from './append-count.js'
import { BUILT_IN_QUEUES, BUILT_IN_TYPES, withBuiltIns } from './built-ins.js'
import { CallbackDeliveries } from './callback-deliveries.js'
import { type CallbackParts, callbackParts } from './callback-parts.js'
import { CommandEvents } from './command-events.js'
import { CommandOperations } from './command-operations.js'
import { CommandVerbs } from './command-verbs.js'
import { Completions } from './completions.js'
import { type ConnectedChannels, connectChannels } from './connect-channels.js'
import { deadLetters } from './dead-letters.js'
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
  /** Lines of at least this level go to standard error. Default 'warn'. */
  logs?: LogLevel
  /** Whether the store shows this process among its nodes. Default true; false is for tools that only look. */
  register?: boolean
  /** For tests and simulations. */
  clock?: Clock
  random?: Random
}

/** What all parts are made of. */
interface Ground {
  readonly config: ResolvedConfig
  readonly roles: readonly Role[]
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  readonly newChunkId: NewChunkId
  readonly telemetry: Telemetry
  readonly workerId: string
  readonly events: CommandEvents
  readonly watch: OutcomeWatch
}

export function assemble(config: ResolvedConfig, roles: readonly Role[], options: AssemblyOptions): Spillway {
  const { clock = systemClock, random = systemRandom } = options
  const newChunkId = createChunkIds(clock, random)
  const workerId = config.worker.id ?? processName()
  const metrics = metricsFor(config, clock)
  const logs = createLogs({ level: options.logs ?? 'warn', workerId })
  const telemetry = tee(metrics.telemetry, logs, ...config.telemetry)
  const events = new CommandEvents(telemetry)
  const watch = new OutcomeWatch((ids, options) => channels.read(ids, options), clock)
  const timed = instrumentStore(config.store, telemetry, clock)
  const store = observeSettles(timed, (chunkIds) => watch.settled(chunkIds))
  metrics.observeQueues(() => store.reader.queues())
  const ground = { config, roles, store, clock, random, newChunkId, telemetry, workerId, events, watch }

  const endpoints = new GoneEndpoints(store.shared)
  const callbacks = callbackParts(config.callbacks, { ...ground, endpoints })
  const verbs = verbsOf(ground, callbacks)
  const operations = { command: operationCommand({ ...ground, verbs }), concurrency: OPERATIONS_AT_ONCE }
  const whole = withBuiltIns(config, [...callbacks.builtIns, operations])
  const ownAppends = new AppendCount(clock)
  const channels = connectChannels({
    ...{ ...ground, config: whole, store: ownAppends.around(store) },
    ...{ newSecret, composer: callbacks.composer, listener: events },
  })
  const stations = stationsOf(ground, options, channels, ownAppends, callbacks)
  stations.start()
  return new RunningSpillway({
    ...ground,
    ...{ metrics, verbs, stations, queues: whole.queues },
    completions: completionsOf(ground, channels, callbacks),
    intake: roles.includes('intake') ? intakeOf(ground, channels) : null,
    deadLetters: deadLetters(store),
    callbacks: new CallbackDeliveries({ ...ground, endpoints }),
    operations: new CommandOperations(ground),
  })
}

function stationsOf(
  ground: Ground,
  { register }: AssemblyOptions,
  channels: ConnectedChannels,
  ownAppends: AppendCount,
  callbacks: CallbackParts,
): Stations {
  const { config, roles, store, events, newChunkId } = ground
  const { executor, queues } = channels
  const nodeId = newChunkId()
  const route = callbacks.composer === null ? {} : { callbackRoute: callbacks.composer.route }
  const letGo = holdProcess()
  return new Stations({
    store,
    executor,
    channels: [...channels.byQueue.values()],
    worker: roles.includes('worker')
      ? new Worker({
          ...ground,
          ...config.worker,
          ...route,
          workerId: ground.workerId,
          ownAppends,
          readPressure: createPressure(),
          executor,
          queues,
          listener: events,
        })
      : null,
    maintenance: roles.includes('maintenance')
      ? new Maintenance({ ...ground, ...config.maintenance, nodeId, roleLeaseMs: NODE_TTL_MS })
      : null,
    registration: register === false ? null : registrationOf(ground, nodeId),
    release: async () => {
      letGo()
      events.close()
      await callbacks.close()
      await channels.release()
    },
  })
}

function registrationOf(ground: Ground, nodeId: string): Registration {
  const node = { id: nodeId, ...processPlace(), version: VERSION, roles: ground.roles }
  return new Registration({ ...ground, nodes: ground.store.nodes, node, ttlMs: NODE_TTL_MS })
}

function intakeOf({ config, clock, telemetry }: Ground, { byQueue }: ConnectedChannels): Intake {
  const { commands: definitions, queues } = config
  return new Intake({ definitions, queues, channels: byQueue, clock, telemetry })
}

function verbsOf(ground: Ground, { composer }: CallbackParts): CommandVerbs {
  return new CommandVerbs({
    ...ground,
    composer,
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

function metricsFor(config: ResolvedConfig, clock: Clock): Metrics {
  return createMetrics({
    clock,
    version: VERSION,
    queues: [...config.queues.keys(), ...BUILT_IN_QUEUES],
    commands: [...config.commands.keys(), ...BUILT_IN_TYPES],
  })
}
