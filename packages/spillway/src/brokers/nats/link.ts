// The connection to the server. The client could reconnect by itself, but then what was sent before and what was held before would carry
// over in ways that differ by moment; here a lost connection ends everything that went over it, and the next one begins anew.

import { type JetStreamClient, type JetStreamManager, jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import type { Cancel, Telemetry } from '../../ports/index.js'
import { closed, unavailable } from './failures.js'
import { inTime } from './in-time.js'
import type { Machine } from './machine.js'
import type { NatsSettings } from './options.js'

/** One connection, from when it is ready until it is lost. */
export interface Line {
  readonly connection: NatsConnection
  readonly client: JetStreamClient
  readonly manager: JetStreamManager
}

export interface LineListener {
  begin(line: Line): void
  end(line: Line): void
}

export interface LinkParts {
  readonly settings: NatsSettings
  readonly machine: Machine
  /** Makes sure of everything on the server before the connection is used. */
  readonly prepare: (line: Line) => Promise<void>
}

const RECONNECT_MS_MIN = 50
/** A connection that is lost sooner counts as one more that failed. */
const STABLE_MS = 10_000
/** A connection that is cut off silently is noticed after two of these. */
const PING_EVERY_MS = 5_000
const PINGS_OUT_MAX = 2
const CLOSE_MS_MAX = 1_000

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
    this.#lost(line, why)
    void line.connection.close().catch(() => {})
  }

  /** Something went wrong that nobody waits for. */
  report(error: unknown): void {
    this.#telemetry?.record({ event: 'fault', where: 'broker.nats', error })
  }

  async close(): Promise<void> {
    this.#state = 'closed'
    this.#cancel()
    const line = this.#line
    this.#end(line)
    await this.#connecting?.catch(() => {})
    if (line === null) return
    await inTime(this.#parts.machine, CLOSE_MS_MAX, line.connection.close())
  }

  #connect(): Promise<void> {
    this.#connecting ??= this.#dial().finally(() => {
      this.#connecting = null
    })
    return this.#connecting
  }

  async #dial(): Promise<void> {
    const { settings, prepare } = this.#parts
    const { connectTimeoutMs: timeout } = settings
    const connection = await connect({
      ...{ name: 'spillway', noAsyncTraces: true, pingInterval: PING_EVERY_MS, maxPingOut: PINGS_OUT_MAX },
      ...settings.connection,
      ...{ reconnect: false, timeout },
    }).catch((error: unknown) => {
      throw unavailable('the server cannot be reached', error)
    })
    try {
      const manager = await jetstreamManager(connection, { checkAPI: false, timeout })
      const line: Line = { connection, manager, client: manager.jetstream() }
      await prepare(line)
      if (this.isClosed) throw closed()
      this.#begin(line)
    } catch (error) {
      void connection.close().catch(() => {})
      throw error
    }
  }

  #begin(line: Line): void {
    if (this.#failures > 0) this.#tell('broker reconnected')
    this.#beganAtMs = this.#parts.machine.monotonic()
    this.#line = line
    void line.connection
      .closed()
      .then((error) => this.#lost(line, error ?? 'the server closed the connection'))
    this.#wake()
    for (const listener of this.#listeners) listener.begin(line)
  }

  #lost(line: Line, why: unknown): void {
    if (this.#line !== line) return
    this.#end(line)
    if (this.#state !== 'closed') this.#again(unavailable('the connection was lost', why))
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
    this.#telemetry?.record({ event: 'lifecycle', what, details: { broker: 'nats' } })
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake()
  }
}
