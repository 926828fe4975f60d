// What runs in the simulated processes: the production intake with its store channels, the production worker, the
// production maintenance, each composed as the application composes them.

import { Completions } from '../../app/completions.js'
import { createChannel, lateShortWay } from '../../channels/index.js'
import type { ResolvedQueue } from '../../config/index.js'
import { Intake } from '../../intake/index.js'
import { Maintenance } from '../../maintenance/index.js'
import { type Channel, SILENT } from '../../ports/index.js'
import { createChunkIds } from '../../runtime/index.js'
import { Worker } from '../../worker/index.js'
import { Client, type ClientOptions } from './client.js'
import { SHORT_QUEUE } from './command-mix.js'
import { type Configured, type Surroundings as ConfiguredWith, configured } from './configured.js'
import type { Dice } from './dice.js'
import { GivenLeases, recordingExecutor } from './recording-executor.js'
import type { Program } from './sim-process.js'

export interface Pace {
  readonly pollMs: number
  readonly closeTimeoutMs: number
  readonly promoteEveryMs: number
  readonly pruneEveryMs: number
  readonly retentionMs: number
  readonly failedRetentionMs: number
  readonly auditRetentionMs: number
  readonly roleLeaseMs: number
  /** Finished commands are pruned within the run. */
  readonly forgets: boolean
}

/** Seconds instead of days, so that retention ends within a run; poll and heartbeat as in production or slower. */
export function drawPace(dice: Dice): Pace {
  const forgets = dice.chance(0.4)
  return {
    forgets,
    pollMs: dice.whole(600, 2_000),
    closeTimeoutMs: dice.whole(50, 1_500),
    promoteEveryMs: dice.whole(200, 800),
    pruneEveryMs: dice.whole(700, 2_000),
    roleLeaseMs: dice.whole(1_000, 3_000),
    retentionMs: forgets ? dice.whole(2_500, 4_500) : 86_400_000,
    failedRetentionMs: forgets ? dice.whole(4_500, 8_000) : 86_400_000,
    auditRetentionMs: 86_400_000,
  }
}

export interface Surroundings extends ConfiguredWith {
  readonly pace: Pace
}

export function runWorker(surroundings: Surroundings): Program {
  const leases = new GivenLeases()
  return workerOf(surroundings, leases, configuredFor(surroundings, leases), () => true)
}

function configuredFor(surroundings: Surroundings, leases: GivenLeases): Configured {
  return configured(surroundings, (id) => leases.of(id)?.stage ?? 'execute')
}

/** At work on the queues that are its own. */
function workerOf(
  { life, store, pace, recording, dice }: Surroundings,
  leases: GivenLeases,
  { queues, composer, executor }: Configured,
  isOwn: (queue: string) => boolean,
): Worker {
  const worker = new Worker({
    ...{ clock: life.clock, random: dice.random, telemetry: SILENT },
    store: leases.watch(store),
    executor: recordingExecutor(executor, leases, life, recording),
    queues: [...queues.values()].filter(({ name }) => isOwn(name)),
    workerId: life.process,
    pollMs: pace.pollMs,
    closeTimeoutMs: pace.closeTimeoutMs,
    callbackRoute: composer.route,
  })
  worker.start()
  return worker
}

export function runMaintenance({ life, store, pace, dice }: Surroundings): Program {
  const newChunkId = createChunkIds(life.clock, dice.random)
  const maintenance = new Maintenance({
    ...{ store, clock: life.clock, random: dice.random, telemetry: SILENT },
    ...{ newChunkId, nodeId: life.process },
    ...pace,
  })
  maintenance.start()
  return maintenance
}

export interface IntakeProgram extends Program {
  readonly client: Client
}

/** `executes`: with a worker beside it, so that what it takes may go the short way. */
export function runIntake(
  surroundings: Surroundings,
  callers: Pick<ClientOptions, 'accepted' | 'leftOpen'>,
  executes: boolean,
): IntakeProgram {
  const { life, store, recording, dice } = surroundings
  const leases = new GivenLeases()
  const parts = configuredFor(surroundings, leases)
  const { commands, queues, composer, executor } = parts
  const ports = { store, clock: life.clock, telemetry: SILENT }
  const worker = executes ? workerOf(surroundings, leases, parts, (queue) => queue === SHORT_QUEUE) : null
  const shortWayOf = ({ name }: ResolvedQueue) =>
    worker === null || name !== SHORT_QUEUE ? {} : { shortWay: lateShortWay(() => worker.shortWayOf(name)) }
  const open = (queue: ResolvedQueue): Channel =>
    createChannel(queue.channel, {
      ...{ ...ports, queue, definitions: commands, executor },
      newChunkId: createChunkIds(life.clock, dice.random),
      ...shortWayOf(queue),
    })
  const channels = new Map([...queues.values()].map((queue) => [queue.name, open(queue)]))
  const intake = new Intake({ ...ports, definitions: commands, queues, channels })
  const completions = new Completions({
    ...{ ...ports, random: dice.random, workerId: life.process },
    ...{ definitions: commands, queues, composer, executor },
    listener: { listening: () => false, settled: () => {} },
    ended: () => {},
    read: (ids) => store.reader.get(ids),
  })
  const client = new Client({ life, intake, completions, store, recording, ...callers })
  return {
    client,
    died: () => client.died(),
    async stop() {
      await Promise.all([...channels.values()].map((channel) => channel.close()))
      await worker?.stop()
    },
  }
}
