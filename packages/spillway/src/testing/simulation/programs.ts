// What runs in the simulated processes: the production intake with its store channels, the production worker, the
// production maintenance, each composed as the application composes them.

import { createChannel } from '../../channels/index.js'
import {
  type ResolvedConfig,
  type ResolvedQueue,
  resolveConfig,
  store as storeChannel,
} from '../../config/index.js'
import { Intake } from '../../intake/index.js'
import { Maintenance } from '../../maintenance/index.js'
import { type Channel, type Random, SILENT, type Store } from '../../ports/index.js'
import { createChunkIds } from '../../runtime/index.js'
import { createExecutor, Worker } from '../../worker/index.js'
import { Client, type ClientOptions } from './client.js'
import type { CommandMix } from './command-mix.js'
import type { Dice } from './dice.js'
import { commandOf, type Transactions } from './handlers.js'
import type { Life } from './life.js'
import type { Recording } from './recording.js'
import { GivenLeases, recordingExecutor } from './recording-executor.js'
import type { Program } from './sim-process.js'

export interface Pace {
  readonly pollMs: number
  readonly closeTimeoutMs: number
  readonly promoteEveryMs: number
  readonly pruneEveryMs: number
  readonly retentionMs: number
  readonly failedRetentionMs: number
  readonly roleLeaseMs: number
  /** Finished commands are pruned within the run. */
  readonly forgets: boolean
}

/** Seconds instead of days, so that retention ends within a run; poll and heartbeat as in production or slower. */
export function drawPace(dice: Dice): Pace {
  const forgets = dice.chance(0.4)
  return {
    forgets,
    pollMs: dice.whole(300, 1_000),
    closeTimeoutMs: dice.whole(50, 1_500),
    promoteEveryMs: dice.whole(100, 500),
    pruneEveryMs: dice.whole(1_000, 3_000),
    roleLeaseMs: dice.whole(500, 2_000),
    retentionMs: forgets ? dice.whole(1_000, 6_000) : 86_400_000,
    failedRetentionMs: forgets ? dice.whole(6_000, 12_000) : 86_400_000,
  }
}

export interface Surroundings {
  readonly life: Life
  readonly store: Store
  readonly mix: CommandMix
  readonly pace: Pace
  readonly recording: Recording
  readonly random: Random
  readonly transactions: Transactions
}

export function runWorker(surroundings: Surroundings): Program {
  const { life, store, pace, recording, random } = surroundings
  const leases = new GivenLeases()
  const { commands, queues } = configOf(surroundings)
  const ports = { clock: life.clock, random, telemetry: SILENT }
  const executor = createExecutor({ ...ports, definitions: commands, store })
  const worker = new Worker({
    ...ports,
    store: leases.watch(store),
    executor: recordingExecutor(executor, leases, life, recording),
    queues: [...queues.values()],
    workerId: life.process,
    pollMs: pace.pollMs,
    closeTimeoutMs: pace.closeTimeoutMs,
  })
  worker.start()
  return worker
}

export function runMaintenance({ life, store, pace, random }: Surroundings): Program {
  const newChunkId = createChunkIds(life.clock, random)
  const maintenance = new Maintenance({
    store,
    clock: life.clock,
    random,
    telemetry: SILENT,
    newChunkId,
    nodeId: life.process,
    ...pace,
  })
  maintenance.start()
  return maintenance
}

export interface IntakeProgram extends Program {
  readonly client: Client
}

export function runIntake(
  surroundings: Surroundings,
  callers: Pick<ClientOptions, 'accepted' | 'leftOpen'>,
): IntakeProgram {
  const { life, store, recording, random } = surroundings
  const { commands, queues } = configOf(surroundings)
  const newChunkId = createChunkIds(life.clock, random)
  const executor = createExecutor({
    definitions: commands,
    store,
    clock: life.clock,
    random,
    telemetry: SILENT,
  })
  const open = (queue: ResolvedQueue): Channel =>
    createChannel(queue.channel, {
      ...{ queue, definitions: commands, store, executor, newChunkId },
      ...{ clock: life.clock, telemetry: SILENT },
    })
  const channels = new Map([...queues.values()].map((queue) => [queue.name, open(queue)]))
  const intake = new Intake({ definitions: commands, queues, channels, clock: life.clock, telemetry: SILENT })
  const client = new Client({ life, intake, store, recording, ...callers })
  return {
    client,
    died: () => client.died(),
    async stop() {
      await Promise.all([...channels.values()].map((channel) => channel.close()))
    },
  }
}

function configOf({ store, mix, life, recording, transactions }: Surroundings): ResolvedConfig {
  return resolveConfig({
    store,
    commands: mix.types.map((type) => commandOf(type, { life, recording, transactions })),
    queues: Object.fromEntries(
      mix.queues.map(({ name, concurrency, partitions, leaseMs }) => [
        name,
        {
          ...{ concurrency, lease: leaseMs, channel: storeChannel() },
          ...(partitions === null ? {} : { ordered: { partitions } }),
        },
      ]),
    ),
  })
}
