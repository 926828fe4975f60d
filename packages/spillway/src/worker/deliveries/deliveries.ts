// What a broker delivers for one queue, from its arrival until it is acknowledged. It is stored and leased in one commit, and from then on it is a chunk
// like any other: executed, kept alive, settled, and claimed by others if this process dies. So a delivery is acknowledged once the store
// has its chunk and this worker is done with it, and a broker delivers again only after a crash.

import type { ResolvedQueue } from '../../config/index.js'
import { CHUNK_BYTES_MAX } from '../../domain/index.js'
import { SpillwayError } from '../../errors/index.js'
import type { Broker, ClaimRequest, Delivery } from '../../ports/index.js'
import type { ClaimedLease } from '../claims/claim-source.js'
import { isPromise } from '../promise.js'
import type { WorkerContext } from '../worker-context.js'
import { Cargo } from './cargo.js'
import { DeliveryReader, type Reading } from './delivery-reader.js'
import { Landing } from './landing.js'
import { load } from './loading.js'
import { Mailbox, type Wanted } from './mailbox.js'
import { Message } from './message.js'
import { Stowage } from './stowage.js'
import { Subscriber } from './subscriber.js'

/** How long close() waits for an append that is on its way, so that what it stores is not delivered to others as well. */
const CLOSE_APPENDS_MS = 1_000

export interface DeliveriesOptions {
  readonly queue: ResolvedQueue
  readonly broker: Broker
  readonly credit: number
  /** What this process has handlers for. */
  readonly types: ReadonlySet<string>
  /** Whether calls of the type may begin: a breaker may be open. */
  readonly mayBegin: (type: string) => boolean
  /** How many commands of the type may take the short way at once now: chunks of no more wait for that. 0 = it is closed. */
  readonly shortCallSize: (type: string) => number
  /** So many commands of a type wait to be adopted, or to take the short way. */
  readonly onWaiting: (type: string, commands: number) => void
}

export class Deliveries {
  readonly #context: WorkerContext
  readonly #options: DeliveriesOptions
  readonly #reader: DeliveryReader
  readonly #mailbox: Mailbox
  readonly #landing: Landing
  readonly #stowage: Stowage
  readonly #subscriber: Subscriber
  /** Leased, by chunk. */
  readonly #adopted = new Map<string, Cargo>()
  /** What an append that failed was given: whether the store has it is not known, so it goes again as it is. */
  #again: Cargo[] = []
  readonly #adopting = new Set<Promise<unknown>>()
  /** The message that is being read: later ones come after it. */
  #reading: Promise<void> | null = null
  #closing = false

  constructor(context: WorkerContext, options: DeliveriesOptions) {
    const { queue, broker, credit, types } = options
    this.#context = context
    this.#options = options
    this.#reader = new DeliveryReader({ queue, foreign: context.foreignCommands })
    const takesTurns = queue.tenants !== null
    this.#mailbox = new Mailbox(
      credit,
      (message) => !takesTurns && !message.isForStore && types.has(message.type),
    )
    this.#landing = new Landing({ ...context, onConflicts: (conflicts) => this.#stowage.add(conflicts) })
    this.#stowage = new Stowage({
      ...context,
      mailbox: this.#mailbox,
      landing: this.#landing,
      load: (messages) => this.#load(messages).map(({ cargo }) => cargo),
    })
    const onDelivery = (delivery: Delivery): void => this.#arrived(delivery)
    this.#subscriber = new Subscriber({
      ...context,
      broker,
      request: { queue: queue.name, credit, onDelivery },
    })
  }

  start(): void {
    this.#subscriber.start()
  }

  /** Whether a claim of these types would adopt something. */
  hasWaiting(types: readonly string[]): boolean {
    const wanted = new Set(types)
    return (
      this.#mailbox.hasWaiting(this.#goesLong(wanted)) ||
      this.#again.some(({ draft }) => wanted.has(draft.type))
    )
  }

  /** Stores and leases what waits, as much as is asked for. Rejects when the store fails; then it waits again. */
  async adopt(request: ClaimRequest): Promise<readonly ClaimedLease[]> {
    const cargos = this.#closing ? [] : this.#cargosFor(request)
    if (cargos.length === 0) return []
    const landing = this.#landing.land(cargos, { workerId: request.workerId, leaseMs: request.leaseMs })
    this.#adopting.add(landing)
    const { leased, left, error } = await landing
    this.#adopting.delete(landing)
    this.#again = [...left, ...this.#again]
    if (left.length > 0 && leased.length === 0) throw error
    return leased.map(([lease, cargo]) => {
      this.#adopted.set(lease.chunkId, cargo)
      return { ...lease, payloads: cargo.payloads }
    })
  }

  /** Chunks of one type that fill at least the share `filled` of a call on the short way; null when there are none. They are its caller's. */
  loadShort(filled: number): readonly Cargo[] | null {
    if (this.#closing) return null
    const waiting = this.#mailbox.waiting((message) => this.#goesShort(message))
    const type = waiting[0]?.type ?? ''
    const room = this.#options.shortCallSize(type)
    const messages: Message[] = []
    let commands = 0
    for (const message of waiting) {
      if (message.type !== type) continue
      if (commands + message.commands > room) break
      messages.push(message)
      commands += message.commands
    }
    if (commands === 0 || commands < filled * room) return null
    this.#mailbox.take(messages)
    return this.#load(messages).map(({ cargo }) => cargo)
  }

  /** What loadShort gave was stored as settled, or not: then it is adopted next, as it is. */
  async endShort(cargos: readonly Cargo[], storing: Promise<boolean>): Promise<void> {
    this.#adopting.add(storing)
    const isStored = await storing
    this.#adopting.delete(storing)
    if (isStored) for (const cargo of cargos) this.#landing.settled(cargo)
    else this.#again = [...cargos, ...this.#again]
  }

  /**
   * Types whose breaker is open fill the mailbox and keep the others out: they are left to the store, which claims will leave alone. As
   * long as there is room they wait here, so that the broker keeps what follows.
   */
  makeWay(types: readonly string[]): void {
    if (!this.#mailbox.isFull) return
    const blocked = new Set(types.filter((type) => !this.#options.mayBegin(type)))
    if (blocked.size > 0 && this.#mailbox.leaveToStore(blocked)) this.#stowage.consider()
  }

  /** This worker is done with the chunk: it was settled, or given back, or its lease was lost. */
  ended(chunkId: string): void {
    const cargo = this.#adopted.get(chunkId)
    this.#adopted.delete(chunkId)
    cargo?.pay()
  }

  /** Takes nothing more. What is leased here is in the store and is acknowledged; the rest goes to others. */
  async close(): Promise<void> {
    this.#closing = true
    const waiting = new AbortController()
    const appends = Promise.all([...this.#adopting, this.#stowage.stop()])
    await Promise.race([appends, this.#context.clock.sleep(CLOSE_APPENDS_MS, waiting.signal)])
    waiting.abort()
    for (const chunkId of [...this.#adopted.keys()]) this.ended(chunkId)
    await this.#subscriber.close()
    this.#mailbox.clear()
  }

  #arrived(delivery: Delivery): void {
    if (this.#closing) return
    const reading = this.#reader.read(delivery)
    if (this.#reading === null && !isPromise(reading)) {
      this.#take(delivery, reading)
      return
    }
    const turn: Promise<void> = Promise.all([reading, this.#reading]).then(([late]) => {
      if (this.#reading === turn) this.#reading = null
      this.#take(delivery, late)
    })
    this.#reading = turn
  }

  #take(delivery: Delivery, reading: Reading): void {
    if (this.#closing) return
    if (!(reading instanceof Message)) {
      delivery.refuse(reading.reason)
      this.#recordRefused(delivery.id, reading.reason)
      return
    }
    const place = this.#mailbox.add(delivery, reading)
    if (place === 'waiting') this.#options.onWaiting(reading.type, reading.commands)
    else if (place === 'forStore') this.#stowage.consider()
  }

  #cargosFor({ types, chunksMax, commandsMax, oldestFirst }: ClaimRequest): readonly Cargo[] {
    const wanted = new Set(types)
    const again = this.#again.filter(({ draft }) => wanted.has(draft.type)).slice(0, chunksMax)
    this.#again = this.#again.filter((cargo) => !again.includes(cargo))
    let commands = again.reduce((sum, { draft }) => sum + draft.size, 0)
    let bytes = again.reduce((sum, { draft }) => sum + draft.body.length, 0)
    const messages: Message[] = []
    for (const message of this.#mailbox.waiting(this.#goesLong(wanted), oldestFirst)) {
      if (again.length >= chunksMax || commands >= commandsMax || bytes >= CHUNK_BYTES_MAX) break
      messages.push(message)
      commands += message.commands
      bytes += message.bytes
    }
    this.#mailbox.take(messages)
    const loads = this.#load(messages)
    const room = chunksMax - again.length
    this.#mailbox.putBack(loads.slice(room).flatMap((one) => one.messages))
    return [...again, ...loads.slice(0, room).map(({ cargo }) => cargo)]
  }

  #goesLong(types: ReadonlySet<string>): Wanted {
    return (message) => types.has(message.type) && !this.#goesShort(message)
  }

  #goesShort({ type, commands }: Message): boolean {
    return commands <= this.#options.shortCallSize(type)
  }

  /** What turns out to be no chunk after all is refused, and left out. */
  #load(
    messages: readonly Message[],
  ): readonly { readonly cargo: Cargo; readonly messages: readonly Message[] }[] {
    const { name: queue, chunkCommandsMax: commandsMax } = this.#options.queue
    const newChunkId = this.#context.foreignCommands?.newChunkId ?? noForeignCommands
    return load(messages, { queue, commandsMax, newChunkId }).flatMap((one) => {
      const cargo = new Cargo(one.draft, {
        paid: () => {
          for (const message of one.messages) this.#mailbox.ack(message)
        },
        refused: (reason) => this.#refuse(one.messages, reason),
      })
      return this.#isReadable(cargo) ? [{ cargo, messages: one.messages }] : []
    })
  }

  #isReadable(cargo: Cargo): boolean {
    try {
      return cargo.payloads.length === cargo.draft.size
    } catch {
      cargo.refuse(`its body is not an array of ${cargo.draft.size} payloads`)
      return false
    }
  }

  #refuse(messages: readonly Message[], reason: string): void {
    for (const message of messages) {
      for (const { id } of message.deliveries) this.#recordRefused(id, reason)
      this.#mailbox.refuse(message, reason)
    }
  }

  #recordRefused(id: string | null, reason: string): void {
    const queue = this.#options.queue.name
    this.#context.telemetry.record({ event: 'delivery.refused', queue, id, reason })
  }
}

function noForeignCommands(): never {
  throw new SpillwayError('internal', 'A single command was read where only chunks are taken.')
}
