// One connection to the server, made again and again when it is lost. What went over a lost connection ended with it: acknowledgements
// and confirms belong to the channel they came by. There are two links, because a server that is short of memory stops reading from
// connections that publish, and what is acknowledged on them.

import { type ChannelModel, connect } from 'amqplib'
import { backoffMs } from '../../domain/index.js'
import type { Cancel, Telemetry } from '../../ports/index.js'
import { closingOf } from './closing.js'
import { closed, connectFailure, unavailable } from './failures.js'
import type { Machine } from './machine.js'
import type { RabbitMqSettings, Server } from './options.js'
import { within } from './within.js'

export interface LinkListener {
  begin(model: ChannelModel): void
  end(): void
}

export interface LinkParts {
  readonly name: string
  readonly settings: RabbitMqSettings
  readonly machine: Machine
  /** Makes sure of everything on the server before the connection is used. */
  readonly prepare?: (model: ChannelModel) => Promise<void>
}

const RECONNECT_MS_MIN = 50
const CLOSE_MS_MAX = 2_000
const SECOND_MS = 1_000

export class Link {
  readonly #parts: LinkParts
  readonly #listeners = new Set<LinkListener>()
  #telemetry: Telemetry | null = null
  #model: ChannelModel | null = null
  #state: 'new' | 'open' | 'closed' = 'new'
  #dialing: Promise<void> | null = null
  #failures = 0
  #dials = 0
  #cancel: Cancel = () => {}

  constructor(parts: LinkParts) {
    this.#parts = parts
  }

  get model(): ChannelModel | null {
    return this.#model
  }

  get isClosed(): boolean {
    return this.#state === 'closed'
  }

  /** It could not be connected to the last time it was tried. */
  get isAway(): boolean {
    return this.#failures > 0
  }

  /** Throws when the server cannot be had now. From then on it is connected to again and again. */
  async open(telemetry: Telemetry | null): Promise<void> {
    if (this.isClosed) throw closed()
    this.#telemetry = telemetry
    await this.#dial()
    this.#state = 'open'
  }

  /** Connects in the background, unless it was begun before. */
  start(telemetry: Telemetry | null): void {
    if (this.#state !== 'new') return
    this.#telemetry = telemetry
    this.#state = 'open'
    this.#dial().catch((error: unknown) => this.#again(error))
  }

  /** Is told of every connection from now on, and of the one there is. */
  listen(listener: LinkListener): Cancel {
    this.#listeners.add(listener)
    if (this.#model !== null) listener.begin(this.#model)
    return () => void this.#listeners.delete(listener)
  }

  /** Gives a connection up on which something is not as it should be. */
  drop(model: ChannelModel, why: unknown): void {
    this.#lost(model, why)
    destroy(model)
  }

  /** Something went wrong that nobody waits for. */
  report(error: unknown): void {
    this.#telemetry?.record({ event: 'fault', where: 'broker.rabbitmq', error })
  }

  async close(): Promise<void> {
    const model = this.#model
    this.#state = 'closed'
    this.#cancel()
    this.#end()
    await this.#dialing?.catch(() => {})
    if (model === null) return
    await within(this.#parts.machine, CLOSE_MS_MAX)(closingOf(model)).catch(() => {})
    destroy(model)
  }

  #dial(): Promise<void> {
    this.#dialing ??= this.#connect().finally(() => {
      this.#dialing = null
    })
    return this.#dialing
  }

  async #connect(): Promise<void> {
    const { prepare } = this.#parts
    const model = await this.#connected()
    // Without a listener an error would end the process.
    let failure: unknown = null
    model.on('error', (error) => {
      failure = error
    })
    model.on('close', (error?: unknown) => {
      failure ??= error ?? 'the server closed it'
      this.#lost(model, failure)
      // The client ends its side of the connection and waits for the other.
      destroy(model)
    })
    try {
      await prepare?.(model)
      if (this.isClosed) throw closed()
      if (failure !== null) throw failure
    } catch (error) {
      destroy(model)
      throw connectFailure(error)
    }
    this.#begin(model)
  }

  #connected(): Promise<ChannelModel> {
    const { settings, name } = this.#parts
    const { servers, connection, connectTimeoutMs, heartbeatMs } = settings
    const server = servers[this.#dials % servers.length] as Server
    this.#dials += 1
    return connect(
      { ...server, heartbeat: Math.ceil(heartbeatMs / SECOND_MS) },
      {
        ...{ noDelay: true, keepAlive: true },
        ...connection,
        timeout: connectTimeoutMs,
        clientProperties: { connection_name: `spillway ${name}`, ...connection.clientProperties },
      },
    ).catch((error: unknown) => {
      throw connectFailure(error)
    })
  }

  #begin(model: ChannelModel): void {
    if (this.#failures > 0) this.#tell('broker reconnected')
    this.#failures = 0
    this.#model = model
    for (const listener of this.#listeners) listener.begin(model)
  }

  #lost(model: ChannelModel, why: unknown): void {
    if (this.#model !== model) return
    this.#end()
    if (!this.isClosed) this.#again(unavailable('the connection was lost', why))
  }

  #end(): void {
    if (this.#model === null) return
    this.#model = null
    for (const listener of this.#listeners) listener.end()
  }

  #again(why: unknown): void {
    if (this.isClosed) return
    if (this.#failures === 0) this.report(why)
    this.#failures += 1
    const { settings, machine } = this.#parts
    const backoff = { type: 'exponential', jitter: 'full', delayMs: RECONNECT_MS_MIN } as const
    const delayMs = backoffMs(
      { ...backoff, maxMs: settings.reconnectDelayMsMax },
      this.#failures,
      machine.random(),
    )
    this.#cancel = machine.schedule(delayMs, () => {
      this.#dial().catch((error: unknown) => this.#again(error))
    })
  }

  #tell(what: string): void {
    this.#telemetry?.record({ event: 'lifecycle', what, details: { broker: 'rabbitmq' } })
  }
}

/** The client has no word for it: it would wait for an answer of a server that does not give any. */
function destroy(model: ChannelModel): void {
  const { stream } = model.connection as { readonly stream?: { destroy(error?: Error): void } }
  stream?.destroy(new Error('given up'))
}
