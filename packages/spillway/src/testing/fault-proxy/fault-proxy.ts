// A TCP proxy between Spillway and its database (or anything else) that behaves like a bad network: it cuts connections
// at a chosen byte, delays, holds, swallows and refuses. Each fault applies to connections that exist and to new ones.

import { createServer, type Server, type Socket } from 'node:net'
import { SpillwayError } from '../../errors/index.js'
import type { Clock } from '../../ports/index.js'
import { systemClock } from '../../runtime/index.js'
import { type CutKind, DirectionFaults } from './direction-faults.js'
import { Link } from './link.js'

export type Direction = 'toServer' | 'toClient'

export interface FaultProxyOptions {
  /** Where connections lead. */
  readonly host?: string
  readonly port: number
  /** Default: the machine's. */
  readonly clock?: Clock
}

export interface Traffic {
  /** Connections accepted, and those of them that are open now. */
  readonly connections: number
  readonly open: number
  /** Bytes passed on in each direction. */
  readonly toServer: number
  readonly toClient: number
}

export class FaultProxy implements AsyncDisposable {
  readonly #options: FaultProxyOptions
  readonly #clock: Clock
  readonly #listener: Server
  readonly #links = new Set<Link>()
  readonly #faults = { toServer: new DirectionFaults(), toClient: new DirectionFaults() }
  #port = 0
  #accepted = 0
  #refuses = false

  /** Listens on a free port of the loopback interface. */
  static async listen(options: FaultProxyOptions): Promise<FaultProxy> {
    const proxy = new FaultProxy(options)
    await proxy.#open()
    return proxy
  }

  private constructor(options: FaultProxyOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#listener = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#accept(client))
  }

  get port(): number {
    return this.#port
  }

  /** Since the start or the last reset. */
  get traffic(): Traffic {
    return {
      connections: this.#accepted,
      open: this.#links.size,
      toServer: this.#faults.toServer.passedBytes,
      toClient: this.#faults.toClient.passedBytes,
    }
  }

  /**
   * Lets `bytes` more bytes pass in the direction, counted over all connections, and cuts the connection that carried the last
   * of them, both ways; 0 = the connection that sends next, before its first byte. Happens once; resolves when it has. (Node
   * reports a reset that arrives together with data as an end.)
   */
  cutAfter(direction: Direction, bytes: number, how: CutKind = 'reset'): Promise<void> {
    if (!Number.isSafeInteger(bytes) || bytes < 0)
      throw new SpillwayError(
        'invalid_argument',
        `cutAfter: expected a whole number of bytes, received ${bytes}`,
      )
    return new Promise((resolve) => this.#faults[direction].planCut(bytes, how, resolve))
  }

  /** Cuts every connection now. */
  cutAll(how: CutKind = 'reset'): void {
    for (const link of this.#links) link.cut(how)
  }

  /** Adds latency to what arrives from now on. */
  delay(delaysMs: Partial<Record<Direction, number>>): void {
    this.#faults.toServer.delayMs = delaysMs.toServer ?? 0
    this.#faults.toClient.delayMs = delaysMs.toClient ?? 0
  }

  /** Connections stay open and everything sent disappears: a pulled cable, a firewall that forgot. Ends with reset(). */
  swallow(...directions: readonly Direction[]): void {
    for (const direction of all(directions)) this.#faults[direction].isSwallowed = true
  }

  /** Holds everything back until resume(). */
  pause(...directions: readonly Direction[]): void {
    for (const direction of all(directions)) this.#faults[direction].isPaused = true
  }

  resume(): void {
    for (const faults of Object.values(this.#faults)) faults.isPaused = false
    this.#pump()
  }

  /** Resets new connections at once; those that exist go on. */
  refuse(): void {
    this.#refuses = true
  }

  /** Ends all faults and counts from zero. Connections that lost bytes are reset, because they can make no sense any more. */
  reset(): void {
    for (const link of this.#links) if (link.hasLostBytes) link.cut('reset')
    for (const faults of Object.values(this.#faults)) faults.clear()
    this.#accepted = 0
    this.#refuses = false
    this.#pump()
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#listener.close(() => resolve()))
    for (const link of this.#links) link.destroy()
    await closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #open(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#listener.once('error', reject)
      this.#listener.listen(0, '127.0.0.1', resolve)
    })
    const address = this.#listener.address()
    this.#port = typeof address === 'object' && address !== null ? address.port : 0
  }

  #accept(client: Socket): void {
    this.#accepted += 1
    if (this.#refuses) {
      client.resetAndDestroy()
      return
    }
    const { host = '127.0.0.1', port } = this.#options
    const link: Link = new Link({
      ...{ client, target: { host, port }, ...this.#faults, clock: this.#clock },
      onClosed: () => this.#links.delete(link),
    })
    this.#links.add(link)
  }

  #pump(): void {
    for (const link of this.#links) link.pump()
  }
}

function all(directions: readonly Direction[]): readonly Direction[] {
  return directions.length === 0 ? ['toServer', 'toClient'] : directions
}
