// The connection to the server. The client could reconnect by itself and send again what was not answered; here a lost connection ends
// everything that went over it, and the next one begins anew, so that a message is sent twice only by whoever knows that it may be.

import { Redis, type RedisOptions } from 'ioredis'
import type { Cancel, Telemetry } from '../../ports/index.js'
import { closed, replyCode, unavailable } from './failures.js'
import { inTime } from './in-time.js'
import type { Machine } from './machine.js'
import type { RedisSettings } from './options.js'
import { SCRIPTS, type ScriptedRedis } from './scripts.js'

/** One connection, from when it is ready until it is lost. */
export interface Line {
  readonly client: ScriptedRedis
  /** Asks the server; when it does not answer in time, or cannot do what it has to, the connection is given up. */
  ask<Answer>(question: (client: ScriptedRedis) => Promise<Answer>, withinMs?: number): Promise<Answer>
  /** One more connection, for a call that blocks; when it is lost all is lost. Ended with leave(). */
  another(): Promise<Redis>
}

/** Ends a connection on purpose. */
export function leave(client: Redis): void {
  client.removeAllListeners('end')
  client.disconnect()
}

export interface LineListener {
  begin(line: Line): void
  end(line: Line): void
}

export interface LinkParts {
  readonly settings: RedisSettings
  readonly machine: Machine
  /** Makes sure of everything on the server before the connection is used. */
  readonly prepare: (line: Line) => Promise<void>
}

const RECONNECT_MS_MIN = 50
/** A connection that is lost sooner counts as one more that failed. */
const STABLE_MS = 10_000
/** What a server says that is not the primary any more, or has lost the stream or its group: a new connection finds or makes them. */
const STARTS_ANEW = ['READONLY', 'NOGROUP', 'UNBLOCKED', 'LOADING', 'MASTERDOWN']

export class Link {
  readonly #parts: LinkParts
  readonly #listeners = new Set<LineListener>()
  readonly #waiting = new Set<() => void>()
  #telemetry: Telemetry | null = null
  #line: Line | null = null
  #state: 'new' | 'open' | 'closed' = 'new'
  #connecting: Promise<void> | null = null
  /** By the monotonic clock; since there is none, for ever. */
  #beganAtMs = Number.POSITIVE_INFINITY
  #failures = 0
  #cancel: Cancel = () => {}

  constructor(parts: LinkParts) {
    this.#parts = parts
  }

  get line(): Line | null {
    return this.#line
  }

  get isClosed(): boolean {
    return this.#state === 'closed'
  }

  /** Throws when the server cannot be had now. From then on it is connected to again and again. */
  async open(telemetry: Telemetry | null): Promise<void> {
    if (this.isClosed) throw closed()
    this.#telemetry = telemetry
    await this.#connect()
    this.#state = 'open'
  }

  /** The connection, once there is one; null when there is none at that time (by the machine's monotonic clock), or no more. */
  async lineBefore(dueAtMs: number): Promise<Line | null> {
    if (this.#line !== null || this.#state !== 'open') return this.#line
    const { schedule, monotonic } = this.#parts.machine
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        cancel()
        this.#waiting.delete(wake)
        resolve()
      }
      const cancel = schedule(Math.max(0, dueAtMs - monotonic()), wake)
      this.#waiting.add(wake)
    })
    return this.#line
  }

  /** Is told of every connection from now on, and of the one there is. */
  listen(listener: LineListener): Cancel {
    this.#listeners.add(listener)
    if (this.#line !== null) listener.begin(this.#line)
    return () => void this.#listeners.delete(listener)
  }

  /** Gives a connection up on which something is not as it should be; the next one makes sure of it. */
  drop(line: Line, why: unknown): void {
    if (this.#line === line) {
      this.#end(line)
      if (!this.isClosed) this.#again(unavailable('the connection was lost', why))
    }
    leave(line.client)
  }

  /** Something went wrong, or is not as it should be, that nobody waits for. */
  report(error: unknown): void {
    this.#telemetry?.record({ event: 'fault', where: 'broker.redis', error })
  }

  async close(): Promise<void> {
    this.#state = 'closed'
    this.#cancel()
    const line = this.#line
    this.#end(line)
    await this.#connecting?.catch(() => {})
    if (line !== null) leave(line.client)
  }

  #connect(): Promise<void> {
    this.#connecting ??= this.#dial().finally(() => {
      this.#connecting = null
    })
    return this.#connecting
  }

  async #dial(): Promise<void> {
    const { publishTimeoutMs } = this.#parts.settings
    const client = (await this.#client(() => this.drop(line, 'the server closed it'))) as ScriptedRedis
    const line: Line = {
      client,
      ask: (question, withinMs = publishTimeoutMs) => this.#ask(line, question, withinMs),
      another: () => this.#client(() => this.drop(line, 'the server closed one that reads')),
    }
    try {
      await this.#parts.prepare(line)
      if (this.isClosed) throw closed()
      if (client.status !== 'ready') throw unavailable('the connection was lost')
    } catch (error) {
      client.disconnect()
      throw error
    }
    this.#begin(line)
  }

  async #client(onEnd: () => void): Promise<Redis> {
    const { settings, machine } = this.#parts
    const client = new Redis(settings.url, { ...settings.connection, ...ownOptions(settings) })
    let reason: unknown = 'no answer in time'
    client.on('error', (error) => {
      reason = error
    })
    await inTime(machine, settings.connectTimeoutMs, client.connect())
    if (client.status !== 'ready') {
      client.disconnect()
      throw unavailable('the server cannot be reached', reason)
    }
    client.once('end', onEnd)
    return client
  }

  async #ask<Answer>(
    line: Line,
    question: (client: ScriptedRedis) => Promise<Answer>,
    withinMs: number,
  ): Promise<Answer> {
    const answer = question(line.client)
    const cancel = this.#parts.machine.schedule(withinMs, () => this.drop(line, 'no answer in time'))
    try {
      return await answer
    } catch (error) {
      if (STARTS_ANEW.includes(replyCode(error) ?? '')) this.drop(line, error)
      throw error
    } finally {
      cancel()
    }
  }

  #begin(line: Line): void {
    if (this.#failures > 0) this.#tell('broker reconnected')
    this.#beganAtMs = this.#parts.machine.monotonic()
    this.#line = line
    this.#wake()
    for (const listener of this.#listeners) listener.begin(line)
  }

  #end(line: Line | null): void {
    this.#line = null
    if (line !== null) for (const listener of this.#listeners) listener.end(line)
    if (this.isClosed) this.#wake()
  }

  #again(why: unknown): void {
    if (this.isClosed) return
    const { settings, machine } = this.#parts
    if (machine.monotonic() - this.#beganAtMs > STABLE_MS) this.#failures = 0
    if (this.#failures === 0) this.report(why)
    this.#beganAtMs = Number.POSITIVE_INFINITY
    const delayMs = Math.min(RECONNECT_MS_MIN * 2 ** this.#failures, settings.reconnectDelayMsMax)
    this.#failures += 1
    this.#cancel = machine.schedule(delayMs * (0.5 + machine.random() / 2), () => {
      this.#connect().catch((error: unknown) => this.#again(error))
    })
  }

  #tell(what: string): void {
    this.#telemetry?.record({ event: 'lifecycle', what, details: { broker: 'redis' } })
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake()
  }
}

function ownOptions({ connectTimeoutMs }: RedisSettings): Omit<RedisOptions, 'replyMapping'> {
  return {
    ...{ lazyConnect: true, enableOfflineQueue: false, autoResendUnfulfilledCommands: false },
    ...{ maxRetriesPerRequest: 0, retryStrategy: () => null, connectTimeout: connectTimeoutMs },
    ...{ enableAutoPipelining: true, scripts: SCRIPTS, connectionName: 'spillway' },
  }
}
