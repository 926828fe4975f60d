// What the programs of one incarnation are configured with: the command types and queues of the mix, and Spillway's own for callbacks,
// whose sender is the only part that is not the production code's.

import { withBuiltIns } from '../../app/built-ins.js'
import { callbackCommand } from '../../app/callback-command.js'
import { CallbackComposer } from '../../app/callback-composer.js'
import { GoneEndpoints } from '../../app/gone-endpoints.js'
import {
  type AnyCommand,
  type ResolvedCallbacks,
  type ResolvedConfig,
  type ResolvedQueue,
  resolveConfig,
  store as storeChannel,
} from '../../config/index.js'
import type { Stage } from '../../domain/index.js'
import { type NewSecret, type Random, SILENT, type Store } from '../../ports/index.js'
import { createChunkIds } from '../../runtime/index.js'
import { createExecutor } from '../../worker/index.js'
import { CALLBACK_CONCURRENCY, CALLBACK_SCHEDULE_MS, type CommandMix } from './command-mix.js'
import type { Counterpart } from './counterpart.js'
import type { Dice } from './dice.js'
import { commandOf } from './handlers.js'
import type { Life } from './life.js'
import type { Recording } from './recording.js'
import type { Transactions } from './scene.js'
import { upstream } from './upstream.js'

const BACKOFF = { type: 'exponential', delayMs: 50, maxMs: 300, jitter: 'full' } as const
const SECRET = `whsec_${'c2ltdWxhdGVk'.repeat(4)}`

export interface Surroundings {
  readonly life: Life
  readonly store: Store
  readonly mix: CommandMix
  readonly recording: Recording
  readonly dice: Dice
  readonly transactions: Transactions
  readonly counterpart: Counterpart
}

export interface Configured extends Pick<ResolvedConfig, 'commands' | 'queues'> {
  readonly composer: CallbackComposer
  readonly executor: ReturnType<typeof createExecutor>
}

/** `stageOf`: what this process does with a command it holds. */
export function configured(
  surroundings: Surroundings,
  stageOf: (id: string) => Stage = () => 'execute',
): Configured {
  const { life, store, dice } = surroundings
  const config = configOf(surroundings, stageOf)
  const callbacks = config.callbacks as ResolvedCallbacks
  const newChunkId = createChunkIds(life.clock, dice.random)
  const composer = new CallbackComposer({ callbacks, clock: life.clock, newChunkId, telemetry: SILENT })
  const builtIn = { command: tellingUpstream(surroundings, callbacks), concurrency: CALLBACK_CONCURRENCY }
  const { commands, queues } = withBuiltIns(config, [builtIn])
  const leased = leasedLike(queues, surroundings.mix.leaseMs)
  const options: Parameters<typeof createExecutor>[0] = {
    ...{ definitions: commands, queues: leased, store, clock: life.clock, random: dice.random },
    ...{ telemetry: SILENT, workerId: life.process, newSecret: secretsOf(dice.random) },
    callbackOf: (...about) => composer.composeReported(...about),
  }
  return { commands, queues: leased, composer, executor: createExecutor(options) }
}

function configOf(surroundings: Surroundings, stageOf: (id: string) => Stage): ResolvedConfig {
  const { store, mix } = surroundings
  const scene = { ...surroundings, stageOf }
  return resolveConfig({
    store,
    commands: mix.types.map((type) => commandOf(type, scene)),
    callbacks: { secrets: [SECRET], schedule: [...CALLBACK_SCHEDULE_MS] },
    queues: Object.fromEntries(
      mix.queues.map(({ name, concurrency, partitions, onDead, leaseMs }) => [
        name,
        {
          ...{ concurrency, lease: leaseMs, channel: storeChannel() },
          ...(partitions === null ? {} : { ordered: { partitions, onDead } }),
        },
      ]),
    ),
  })
}

/** With retries as short as everything else here. */
function tellingUpstream(
  { life, store, dice, recording }: Surroundings,
  callbacks: ResolvedCallbacks,
): AnyCommand {
  const command = callbackCommand({
    ...{ callbacks, sender: upstream({ life, dice, recording }), endpoints: new GoneEndpoints(store.shared) },
    ...{ clock: life.clock, random: dice.random, telemetry: SILENT },
  })
  const { policy } = command
  return { ...command, policy: { ...policy, retry: { ...policy.retry, backoff: BACKOFF } } }
}

/** Spillway's own queues have leases of half a minute. */
function leasedLike(
  queues: ReadonlyMap<string, ResolvedQueue>,
  leaseMs: number,
): ReadonlyMap<string, ResolvedQueue> {
  return new Map([...queues].map(([name, queue]) => [name, { ...queue, leaseMs }]))
}

/** Reproducible, unlike those of a real process. */
function secretsOf(random: Random): NewSecret {
  return () =>
    Math.floor(random() * Number.MAX_SAFE_INTEGER)
      .toString(36)
      .padStart(43, '0')
}
