// Puts a running Spillway together from its configuration: the only place that knows every part. Parts get their clock,
// chance, store and telemetry handed in; none looks for another one by itself.

import { type ResolvedConfig, resolveConfig, type SpillwayConfig } from '../config/index.js'
import { SpillwayError } from '../errors/index.js'
import { Intake } from '../intake/index.js'
import { Maintenance, Registration } from '../maintenance/index.js'
import { type Clock, type Random, tee } from '../ports/index.js'
import {
  createChunkIds,
  holdProcess,
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
import { ROLES, type Role, type Spillway } from './api.js'
import { connectChannels } from './connect-channels.js'
import { observeSettles } from './observe-settles.js'
import { OutcomeWatch } from './outcome-watch.js'
import { RunningSpillway } from './running-spillway.js'
import { Stations } from './stations.js'
import { VERSION } from './version.js'

export interface CreateOptions {
  /** What this process does; default: everything. */
  roles?: readonly Role[]
  /** Bring the store's schema up to date first. Default false: an outdated schema is an error that says what to run. */
  migrate?: boolean
  /** Lines of at least this level go to standard error. Default 'warn'. */
  logs?: LogLevel
  /** Whether the store shows this process among its nodes. Default true; false is for tools that only look. */
  register?: boolean
  /** For tests and simulations. */
  clock?: Clock
  random?: Random
}

/** How long a node counts as alive, and keeps a role, after it was last heard of. */
const NODE_TTL_MS = 15_000

export async function createSpillway(config: SpillwayConfig, options: CreateOptions = {}): Promise<Spillway> {
  const resolved = resolveConfig(config)
  const roles = checkRoles(options.roles ?? ROLES)
  if (options.migrate === true) await resolved.store.schema.migrate()
  await resolved.store.open()
  try {
    return assemble(resolved, roles, options)
  } catch (error) {
    await resolved.store.close()
    throw error
  }
}

function assemble(config: ResolvedConfig, roles: readonly Role[], options: CreateOptions): Spillway {
  const { clock = systemClock, random = systemRandom } = options
  const newChunkId = createChunkIds(clock, random)
  const workerId = config.worker.id ?? processName()
  const nodeId = newChunkId()
  const metrics = metricsFor(config, clock)
  const telemetry = tee(
    metrics.telemetry,
    createLogs({ level: options.logs ?? 'warn', workerId }),
    ...config.telemetry,
  )

  const timed = instrumentStore(config.store, telemetry, clock)
  const watch = new OutcomeWatch((ids, options) => channels.read(ids, options), clock)
  const store = observeSettles(timed, (chunkIds) => watch.settled(chunkIds))
  const channels = connectChannels({ config, store, clock, random, newChunkId, telemetry })
  metrics.observeQueues(() => store.reader.queues())

  const parts = { store, clock, random, telemetry }
  const worker = !roles.includes('worker')
    ? null
    : new Worker({
        ...parts,
        ...config.worker,
        workerId,
        executor: channels.executor,
        queues: channels.queues,
      })
  const maintenance = !roles.includes('maintenance')
    ? null
    : new Maintenance({ ...parts, ...config.maintenance, newChunkId, nodeId, roleLeaseMs: NODE_TTL_MS })
  const intake = !roles.includes('intake')
    ? null
    : new Intake({
        definitions: config.commands,
        queues: config.queues,
        channels: channels.byQueue,
        clock,
        telemetry,
      })
  const registration =
    options.register === false
      ? null
      : new Registration({
          ...parts,
          nodes: store.nodes,
          node: { id: nodeId, ...processPlace(), version: VERSION, roles },
          ttlMs: NODE_TTL_MS,
        })
  const letGo = holdProcess()
  const stations = new Stations({
    store,
    channels: [...channels.byQueue.values()],
    worker,
    maintenance,
    registration,
    release: async () => {
      letGo()
      await channels.release()
    },
  })
  stations.start()
  return new RunningSpillway({
    config,
    roles,
    workerId,
    metrics,
    clock,
    telemetry,
    store,
    intake,
    watch,
    stations,
  })
}

function metricsFor(config: ResolvedConfig, clock: Clock): Metrics {
  return createMetrics({
    clock,
    version: VERSION,
    queues: config.queues.keys(),
    commands: config.commands.keys(),
  })
}

function checkRoles(roles: readonly Role[]): readonly Role[] {
  const unknown = roles.find((role) => !ROLES.includes(role))
  if (unknown !== undefined || roles.length === 0) {
    throw new SpillwayError(
      'invalid_argument',
      `roles: expected some of ${ROLES.join(', ')}, received ${unknown ?? 'none'}`,
    )
  }
  return roles
}
