// Worker threads for handlers that compute. The module's functions become ordinary handlers of their commands, so timeouts,
// retries and telemetry are the executor's as for any other; an aborted signal ends the thread, whatever it computes.

import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Piscina } from 'piscina'
import type { AnyCommand, HandlerContext, PoolSpec, ResolvedQueue } from '../config/index.js'
import type { Telemetry } from '../ports/index.js'
import type { ThreadAnswer, ThreadFault, ThreadTask } from './thread-entry.js'

/** How long a thread above the pool's core size may have nothing to do. */
const THREAD_IDLE_MS = 10_000
/** Tasks that may wait for a thread; whoever hands them in is bounded more tightly. */
const TASKS_WAITING_MAX = 10_000

const here = import.meta.url
const ENTRY = new URL(here.endsWith('.ts') ? './thread-entry-source.mjs' : './thread-entry.js', here)

export interface AttachedThreads {
  /** All commands; those of pools with threads have a handler that runs them there. */
  readonly definitions: ReadonlyMap<string, AnyCommand>
  /** Waits for nothing: running tasks are terminated. */
  close(): Promise<void>
}

/** Starts no thread yet; the first command of a pool does. */
export function attachThreads(
  definitions: ReadonlyMap<string, AnyCommand>,
  queues: ReadonlyMap<string, ResolvedQueue>,
  telemetry: Telemetry,
): AttachedThreads {
  const pools: ThreadPool[] = []
  const attached = new Map(definitions)
  for (const { name, channel, commands } of queues.values()) {
    if (channel.kind !== 'pool' || channel.threads === null) continue
    const pool = new ThreadPool(channel.threads, channel, (error) =>
      telemetry.record({ event: 'fault', where: `threads of queue ${name}`, error }),
    )
    pools.push(pool)
    for (const command of commands) attached.set(command.name, pool.attach(command))
  }
  return {
    definitions: attached,
    async close() {
      await Promise.all(pools.map((pool) => pool.close()))
    },
  }
}

class ThreadPool {
  readonly #module: string
  readonly #sizes: Pick<PoolSpec, 'coreSize' | 'maxSize'>
  readonly #onFault: (error: unknown) => void
  #piscina: Promise<Piscina> | null = null

  constructor(
    module: string,
    sizes: Pick<PoolSpec, 'coreSize' | 'maxSize'>,
    onFault: (error: unknown) => void,
  ) {
    this.#module = module.startsWith('file:') ? module : pathToFileURL(resolve(module)).href
    this.#sizes = sizes
    this.#onFault = onFault
  }

  attach(command: AnyCommand): AnyCommand {
    return { ...command, handler: { kind: 'one', run: (payload, context) => this.#run(payload, context) } }
  }

  async close(): Promise<void> {
    const piscina = await this.#piscina
    await piscina?.destroy()
  }

  async #run(payload: unknown, { id, type, attempt, signal }: HandlerContext): Promise<unknown> {
    const task: ThreadTask = { module: this.#module, id, type, attempt, json: JSON.stringify(payload) }
    this.#piscina ??= this.#start()
    const piscina = await this.#piscina
    const answer: ThreadAnswer = await piscina.run(task, { signal })
    if ('thrown' in answer) throw errorOf(answer.thrown)
    return answer.json === undefined ? undefined : JSON.parse(answer.json)
  }

  async #start(): Promise<Piscina> {
    // Loaded only where threads are used.
    const { Piscina } = await import('piscina')
    const piscina = new Piscina({
      filename: ENTRY.href,
      minThreads: this.#sizes.coreSize,
      maxThreads: this.#sizes.maxSize,
      idleTimeout: THREAD_IDLE_MS,
      maxQueue: TASKS_WAITING_MAX,
      // A thread that blocks between tasks would hold back what a handler left running.
      atomics: 'disabled',
    })
    piscina.on('error', this.#onFault)
    return piscina
  }
}

function errorOf({ name, message, stack, code, fault }: ThreadFault): Error {
  const error = new Error(message)
  error.name = name
  if (stack !== undefined) error.stack = stack
  return Object.assign(error, code === undefined ? {} : { code }, fault === undefined ? {} : { fault })
}
