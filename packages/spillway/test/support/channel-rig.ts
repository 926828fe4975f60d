// One queue with its channel, intake, executor and a memory store, on virtual time. The handlers are the test's.

import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type ChannelContext, createChannel, type OpenChannel, QueueLoads } from '../../src/channels/index.js'
import {
  type AnyCommand,
  type ChannelSpec,
  type CommandOptions,
  defineCommand,
  type QueueOptions,
  resolveConfig,
} from '../../src/config/index.js'
import type { Receipt } from '../../src/domain/index.js'
import { Intake, type SubmitOptions } from '../../src/intake/index.js'
import type { CommandView, Store, TelemetryEvent } from '../../src/ports/index.js'
import { createChunkIds } from '../../src/runtime/index.js'
import { memory } from '../../src/stores/memory/index.js'
import { seededRandom } from '../../src/testing/seeded-random.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'
import { createExecutor } from '../../src/worker/index.js'
import type { ReporterOptions } from '../../src/worker/reporter.js'
import { newSecret } from '../worker/worker-kit.js'
import { type FaultingStore, faultingStore } from './faulting-store.js'

export const QUEUE = 'lane'

/** Lets every payload pass as it is. */
const anything: StandardSchemaV1<unknown, unknown> = {
  '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) },
}

export function command(
  name: string,
  options: Omit<CommandOptions<string, StandardSchemaV1<unknown, unknown>>, 'name' | 'input'> & {
    input?: StandardSchemaV1<unknown, unknown>
  },
): AnyCommand {
  return defineCommand({ input: anything, queue: QUEUE, ...options, name })
}

export interface Rig {
  readonly clock: VirtualClock
  readonly channel: OpenChannel
  readonly intake: Intake
  readonly faulting: FaultingStore
  readonly store: Store
  readonly events: TelemetryEvent[]
  submit(payload: unknown, options?: SubmitOptions): Promise<Receipt>
  /** Events of one kind, in order. */
  recorded<Name extends TelemetryEvent['event']>(name: Name): Extract<TelemetryEvent, { event: Name }>[]
  stored(id: string): Promise<CommandView | null>
}

export interface RigOptions
  extends Pick<
    ChannelContext,
    'closeTimeoutMs' | 'appendsInFlightMax' | 'callbackRoute' | 'listener' | 'journal' | 'shortWay'
  > {
  /** Where something else runs on it. */
  readonly clock?: VirtualClock
  readonly callbackOf?: ReporterOptions['callbackOf']
  readonly queue?: Omit<QueueOptions, 'channel'>
  readonly executor?: ChannelContext['executor']
  /** The store takes part in its callers' transactions. */
  readonly transactionalAppend?: boolean
}

/** `submit` takes the first command. */
export function channelRig(
  spec: ChannelSpec,
  commands: readonly AnyCommand[],
  options: RigOptions = {},
): Rig {
  const { clock = new VirtualClock() } = options
  const random = seededRandom(1)
  const events: TelemetryEvent[] = []
  const telemetry = { record: (event: TelemetryEvent) => void events.push(event) }
  const faulting = faultingStore(memory({ clock }), clock, options.transactionalAppend)
  const { store } = faulting
  const queues = { [QUEUE]: { ...options.queue, channel: spec } }
  const callbacks = { secrets: [`whsec_${'x'.repeat(32)}`] }
  const config = resolveConfig({ store, commands, queues, callbacks })
  const queue = config.queues.get(QUEUE)
  if (queue === undefined) throw new Error('no queue')
  const definitions = config.commands
  const {
    executor = createExecutor({
      ...{ definitions, store, clock, random, telemetry, workerId: 'w1', newSecret },
      ...(options.callbackOf === undefined ? {} : { callbackOf: options.callbackOf }),
    }),
    queue: _,
    transactionalAppend: __,
    callbackOf: ___,
    clock: ____,
    ...limits
  } = options
  const channel = createChannel(spec, {
    queue,
    definitions,
    store,
    executor,
    clock,
    newChunkId: createChunkIds(clock, random),
    telemetry,
    loads: new QueueLoads({ reader: store.reader, clock, telemetry }),
    ...limits,
  })
  const intake = new Intake({
    definitions,
    queues: config.queues,
    channels: new Map([...config.queues.keys()].map((name) => [name, channel])),
    clock,
    telemetry,
  })
  return {
    ...{ clock, channel, intake, faulting, store, events },
    submit: (payload, submitOptions) => intake.submit(commands[0] as AnyCommand, payload, submitOptions),
    recorded: (name) => events.filter((event): event is never => event.event === name),
    stored: async (id) => (await store.reader.get([id], { payload: true }))[0] ?? null,
  }
}

/** What became of promises so far, without waiting for them. */
export function watch<T>(promises: readonly Promise<T>[]): {
  readonly values: (T | undefined)[]
  readonly errors: (string | undefined)[]
} {
  const values: (T | undefined)[] = promises.map(() => undefined)
  const errors: (string | undefined)[] = promises.map(() => undefined)
  for (const [index, promise] of promises.entries()) {
    promise.then(
      (value) => {
        values[index] = value
      },
      (error: { code?: string }) => {
        errors[index] = error.code ?? 'unknown'
      },
    )
  }
  return { values, errors }
}

/** A handler that ends when the test says so, and what it was called with. */
export class Gate {
  readonly started: unknown[] = []
  readonly ended: unknown[] = []
  #waiting: (() => void)[] = []

  readonly handle = async (payload: unknown): Promise<void> => {
    this.started.push(payload)
    await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.ended.push(payload)
  }

  get running(): number {
    return this.#waiting.length
  }

  /** Ends the calls that run, oldest first. */
  open(count = this.#waiting.length): void {
    for (const resolve of this.#waiting.splice(0, count)) resolve()
  }
}

export interface GatedRig extends Rig {
  readonly gate: Gate
  /** Submits one command after the other and lets everything happen that can happen now. */
  submitAll(...payloads: unknown[]): Promise<ReturnType<typeof watch<Receipt>>>
}

/** A channel whose one handler waits for the test. */
export function gatedRig(
  spec: ChannelSpec,
  commandOptions: Partial<Parameters<typeof command>[1]> = {},
): GatedRig {
  const gate = new Gate()
  const rig = channelRig(spec, [command('job', { handle: gate.handle, ...commandOptions })])
  return {
    ...rig,
    gate,
    async submitAll(...payloads) {
      const answers = watch(payloads.map((payload) => rig.submit(payload)))
      await rig.clock.advance(0)
      return answers
    },
  }
}
