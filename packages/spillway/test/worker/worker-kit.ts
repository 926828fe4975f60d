// What the tests of the worker share: a memory store that can be tampered with, virtual time that one "process" can be paused
// in, and commands that need no schema.

import {
  type AnyCommand,
  type CommandOptions,
  defineCommand,
  type QueueOptions,
  type ResolvedQueue,
  resolveConfig,
} from '../../src/config/index.js'
import { type ChunkDraft, type CommandState, encodeBody } from '../../src/domain/index.js'
import { SpillwayError } from '../../src/errors/index.js'
import type {
  CallbackRoute,
  Cancel,
  Clock,
  CommandView,
  NewSecret,
  ReadPressure,
  SettledListener,
  Store,
  TelemetryEvent,
} from '../../src/ports/index.js'
import { type MemoryTx, memory } from '../../src/stores/memory/index.js'
import { seededRandom } from '../../src/testing/seeded-random.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'
import { createExecutor, type ForeignCommands, Worker } from '../../src/worker/index.js'
import type { ReporterOptions } from '../../src/worker/reporter.js'
import { type AsyncStore, asyncStore } from '../support/async-store.js'

const ANYTHING = {
  '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) },
} as const

export type TestCommand = Omit<
  CommandOptions<string, typeof ANYTHING>,
  'input' | 'handle' | 'handleBatch'
> & {
  // biome-ignore lint/suspicious/noExplicitAny: tests write handlers for payloads of their own
  handle?: (payload: any, context: any) => unknown
  // biome-ignore lint/suspicious/noExplicitAny: tests write handlers for payloads of their own
  handleBatch?: ((payloads: any[], context: any) => any) | object
}

export function command(options: TestCommand): AnyCommand {
  return defineCommand({ input: ANYTHING, ...options } as never) as AnyCommand
}

/** Secrets that differ, for tests that have none. */
let secrets = 0
export const newSecret: NewSecret = () => {
  secrets += 1
  return `${secrets}`.padStart(43, '0')
}

type Method =
  | 'append'
  | 'appendSettled'
  | 'claim'
  | 'extend'
  | 'settle'
  | 'settleWithin'
  | 'promote'
  | 'prune'
/** `call()` passes on to the real store; not calling it, or throwing before or after, is the fault. */
// biome-ignore lint/suspicious/noExplicitAny: one shape for the calls of every method
type Tamper = (call: () => Promise<any>, ...args: any[]) => Promise<any>

export interface TamperedStore {
  readonly store: Store<MemoryTx>
  /** What may be exchanged of the operators' verbs. */
  readonly control: { -readonly [Verb in keyof Store['control']]: Store['control'][Verb] }
  /** How often each method was called, and what may go wrong in it. */
  readonly calls: Record<Method, unknown[][]>
  readonly tamper: Partial<Record<Method, Tamper>>
}

/** `real` may be shared: each process has a tampered view of its own. */
export function tampered(real: Store<MemoryTx>): TamperedStore {
  const calls: TamperedStore['calls'] = {
    ...{
      append: [],
      appendSettled: [],
      claim: [],
      extend: [],
      settle: [],
      settleWithin: [],
      promote: [],
      prune: [],
    },
  }
  const tamper: TamperedStore['tamper'] = {}
  const control = { ...real.control }
  const store = { ...real, control } as Store<MemoryTx>
  for (const method of Object.keys(calls) as Method[]) {
    const call = real[method].bind(real) as (...args: unknown[]) => Promise<unknown>
    Object.assign(store, {
      [method]: async (...args: unknown[]) => {
        calls[method].push(args)
        const fault = tamper[method]
        return fault === undefined ? call(...args) : fault(() => call(...args), ...args)
      },
    })
  }
  return { store, control, calls, tamper }
}

/** The clock as a process sees it that can be stopped: time goes on, but nothing of the process runs until it is resumed. */
export class ProcessClock implements Clock {
  readonly #clock: VirtualClock
  #held: (() => void)[] | null = null

  constructor(clock: VirtualClock) {
    this.#clock = clock
  }

  pause(): void {
    this.#held ??= []
  }

  resume(): void {
    const held = this.#held ?? []
    this.#held = null
    for (const run of held) run()
  }

  now(): number {
    return this.#clock.now()
  }

  monotonic(): number {
    return this.#clock.monotonic()
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#clock.sleep(ms, signal).then(() => this.#turn())
  }

  schedule(ms: number, run: () => void): Cancel {
    let cancelled = false
    const cancel = this.#clock.schedule(ms, () => this.#run(() => cancelled || run()))
    return () => {
      cancelled = true
      cancel()
    }
  }

  defer(run: () => void): void {
    this.#clock.defer(() => this.#run(run))
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => this.#run(resolve))
  }

  #run(run: () => void): void {
    if (this.#held === null) run()
    else this.#held.push(run)
  }
}

export interface Process {
  readonly worker: Worker
  readonly clock: ProcessClock
  readonly events: TelemetryEvent[]
  readonly control: TamperedStore['control']
  readonly calls: TamperedStore['calls']
  readonly tamper: TamperedStore['tamper']
}

export interface ProcessOptions {
  readonly workerId?: string
  readonly pollMs?: number
  readonly closeTimeoutMs?: number
  readonly callbackOf?: ReporterOptions['callbackOf']
  readonly callbackRoute?: CallbackRoute
  readonly listener?: SettledListener
  readonly readPressure?: ReadPressure
  /** Instead of the bench's own: each process has a broker of its own. */
  readonly queues?: readonly ResolvedQueue[]
  readonly foreignCommands?: ForeignCommands
}

export interface QueueSetup {
  readonly concurrency?: number
  readonly leaseMs?: number
  readonly ordered?: boolean
  readonly onDead?: 'skip' | 'block'
  /** With transactions like those of a database server. */
  readonly asynchronous?: boolean
  /** What else the queue is configured with. */
  readonly queue?: QueueOptions
}

/** One queue named `default`, commands `a`, `b`, ... in it. */
export class Bench {
  readonly clock = new VirtualClock()
  readonly real: Store<MemoryTx> = memory({ clock: this.clock })
  /** What the processes see as their store, when that is asynchronous. */
  readonly server: AsyncStore
  readonly queues: ReadonlyMap<string, ResolvedQueue>
  readonly definitions: ReadonlyMap<string, AnyCommand>
  readonly #store: Store<MemoryTx>
  #chunks = 0

  constructor(
    commands: readonly AnyCommand[],
    {
      concurrency = 1,
      leaseMs = 30_000,
      ordered = false,
      onDead = 'skip',
      asynchronous = false,
      queue: options = {},
    }: QueueSetup = {},
  ) {
    this.server = asyncStore(this.real, this.clock)
    this.#store = asynchronous ? this.server.store : this.real
    const queue = { concurrency, lease: leaseMs, ...(ordered ? { ordered: { onDead } } : {}), ...options }
    const callbacks = { secrets: [`whsec_${'x'.repeat(32)}`] }
    const config = resolveConfig({ store: this.real, commands, queues: { default: queue }, callbacks })
    this.queues = config.queues
    this.definitions = config.commands
  }

  /** A worker process on the store, not started yet. */
  process(options: ProcessOptions = {}): Process {
    const { workerId = 'w1', pollMs = 100, closeTimeoutMs = 10_000 } = options
    const clock = new ProcessClock(this.clock)
    const { store, control, calls, tamper } = tampered(this.#store)
    const events: TelemetryEvent[] = []
    const ports = {
      store,
      clock,
      random: seededRandom(1),
      telemetry: { record: (event: TelemetryEvent) => void events.push(event) },
    }
    const { callbackOf, callbackRoute, listener, readPressure, foreignCommands } = options
    const executor = createExecutor({
      ...{ ...ports, definitions: this.definitions, queues: this.queues, workerId, newSecret },
      ...(callbackOf === undefined ? {} : { callbackOf }),
    })
    const worker = new Worker({
      ...ports,
      executor,
      queues: options.queues ?? [...this.queues.values()],
      foreignCommands,
      workerId,
      pollMs,
      closeTimeoutMs,
      readPressure,
      ...(callbackRoute === undefined ? {} : { callbackRoute }),
      ...(listener === undefined ? {} : { listener }),
    })
    return { worker, clock, events, control, calls, tamper }
  }

  /** A started worker process. */
  start(options: ProcessOptions = {}): Process {
    const process = this.process(options)
    process.worker.start()
    return process
  }

  /** Stores one chunk; returns the ids of its commands. */
  async append(
    type: string,
    payloads: readonly unknown[],
    draft: Partial<ChunkDraft> = {},
  ): Promise<string[]> {
    this.#chunks += 1
    const id = this.#chunks.toString(16).padStart(32, '0')
    const body = encodeBody(payloads.map((payload) => JSON.stringify(payload)))
    const size = payloads.length
    await this.real.append([
      {
        ...{
          id,
          queue: 'default',
          type,
          priority: 0,
          partition: null,
          codec: 'json',
          body,
          size,
          keys: null,
          parked: null,
        },
        ...draft,
      },
    ])
    return payloads.map((_, index) => `${id}-${index}`)
  }

  /** Works everything off that can be claimed now. */
  async drain({ worker }: Process): Promise<void> {
    let idle = false
    const done = worker.idle().then(() => {
      idle = true
    })
    for (let turns = 0; !idle && turns < 10_000; turns += 1) await this.clock.advance(turns < 100 ? 0 : 100)
    await done
  }

  async views(ids: readonly string[]): Promise<readonly (CommandView | null)[]> {
    return this.real.reader.get(ids)
  }

  async states(ids: readonly string[]): Promise<readonly (CommandState | undefined)[]> {
    return (await this.views(ids)).map((view) => view?.state)
  }

  async promote(): Promise<number> {
    const newChunkId = (): string => {
      this.#chunks += 1
      return this.#chunks.toString(16).padStart(32, '0')
    }
    return this.real.promote({ limit: 1_000, chunkCommandsMax: 1_000, newChunkId })
  }
}

/** Events of one kind. */
export function eventsOf<Name extends TelemetryEvent['event']>(
  events: readonly TelemetryEvent[],
  name: Name,
): Extract<TelemetryEvent, { event: Name }>[] {
  return events.filter((event) => event.event === name) as Extract<TelemetryEvent, { event: Name }>[]
}

/** A promise to be settled by hand: a handler that waits for the test. */
export function gate<T = void>(): { readonly promise: Promise<T>; readonly open: (value: T) => void } {
  let open: (value: T) => void = () => {}
  const promise = new Promise<T>((resolve) => {
    open = resolve
  })
  return { promise, open }
}

export const range = (count: number): number[] => Array.from({ length: count }, (_, at) => at)

/** A type of single commands whose handlers wait for the test, and remember their signals. */
export function waitingCommand(over: Omit<TestCommand, 'name'> = {}) {
  const started: { readonly at: unknown; readonly attempt: number; readonly signal: AbortSignal }[] = []
  const gates = range(20).map(() => gate<unknown>())
  const definition = command({
    name: 'a',
    timeout: '1h',
    retry: { attempts: 5, backoff: { delay: 10, jitter: 'none' } },
    handle: (at, { signal, attempt }) => {
      started.push({ at, attempt, signal })
      return gates[started.length - 1]?.promise
    },
    ...over,
  })
  return { started, gates, definition }
}

export function storeIsDown(): Promise<never> {
  return Promise.reject(new SpillwayError('store_unavailable', 'the store is down'))
}
