// The default: a command's receipt is given once its chunk is committed in the store. Concurrent submits share commits
// through the group commit; a refused key is its own command's affair, a failed append everybody's of that flush.

import type { StoreSpec } from '../config/index.js'
import { CHUNK_BYTES_MAX, CHUNK_COMMANDS_MAX, type Durability } from '../domain/index.js'
import { GroupCommit } from '../group-commit/index.js'
import type { Completion, OfferVerdict, PreparedCommand, WithinTransaction } from '../ports/index.js'
import { Admission } from './admission.js'
import {
  type Appended,
  answerAtomic,
  answerChunks,
  appendChunks,
  hasConflict,
  recordCommitted,
} from './append-chunks.js'
import { appendResending, asStoreError } from './append-resending.js'
import { appendWithin } from './append-within.js'
import { Bounds } from './bounds.js'
import type { ChannelContext, Offer, OpenChannel } from './channel-context.js'
import { LoadControl } from './load-control.js'
import { closed, queueFull, rejected } from './verdicts.js'

/** Commands and bytes of one append call: several chunks, one commit. */
const FLUSH_COMMANDS_MAX = 4 * CHUNK_COMMANDS_MAX
const FLUSH_BYTES_MAX = 2 * CHUNK_BYTES_MAX
const APPENDS_IN_FLIGHT_MAX = 2

export class StoreChannel implements OpenChannel {
  readonly kind = 'store'
  readonly durability: Durability
  readonly #context: ChannelContext
  readonly #commit: GroupCommit<Offer>
  readonly #pending: Bounds
  readonly #admission: Admission
  /** Null for a queue that takes whatever its bounds allow. */
  readonly #load: LoadControl | null
  /** Appends outside the group commit. */
  readonly #lone = new Set<Promise<unknown>>()
  #closed = false

  constructor(spec: StoreSpec, context: ChannelContext) {
    const { clock, queue, store } = context
    this.#context = context
    this.durability = store.capabilities.durability === 'disk' ? 'store' : 'memory'
    this.#pending = new Bounds(spec.maxItems, spec.maxBytes)
    this.#load = loadControlOf(context)
    this.#commit = new GroupCommit({
      clock,
      flush: (offers) => this.#flush(offers),
      onError: (offers, error) => answerAll(offers, rejected(asStoreError(error))),
      inFlightMax: context.appendsInFlightMax ?? APPENDS_IN_FLIGHT_MAX,
      itemsMax: FLUSH_COMMANDS_MAX,
      bytesMax: FLUSH_BYTES_MAX,
    })
    this.#admission = new Admission({
      clock,
      queue: queue.name,
      hasRoom: (bytes) => this.#pending.fits(bytes),
      freeSlots: () => this.#pending.freeSlots,
      take: (offer) => this.#take(offer),
      overflow: spec.whenFull === 'block' ? null : (offer) => this.#admission.refuse(offer),
      blockTimeoutMs: spec.blockTimeoutMs,
    })
  }

  offer(command: PreparedCommand, done: Completion): void {
    if (this.#closed) {
      done(closed(this.#context.queue.name))
      return
    }
    const refusal = this.#load === null ? null : this.#load.refusalOf([command])
    if (refusal === null) this.#admission.admit({ command, done })
    else done(rejected(refusal))
  }

  offerAll(commands: readonly PreparedCommand[]): Promise<readonly OfferVerdict[]> {
    return this.#alone(commands, async () => {
      try {
        return await answerAtomic(commands, this.durability, (offers) => this.#append(offers, true))
      } catch (error) {
        return commands.map(() => rejected(asStoreError(error)))
      }
    })
  }

  offerWithin(
    commands: readonly PreparedCommand[],
    within: WithinTransaction,
  ): Promise<readonly OfferVerdict[]> {
    return this.#alone(commands, () => appendWithin(this.#context, commands, within))
  }

  ready(): Promise<void> {
    return this.#admission.ready()
  }

  async drain(): Promise<void> {
    await Promise.all([this.#commit.drain(), ...this.#lone])
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#admission.close()
    await this.drain()
  }

  lookup(): null {
    return null
  }

  /** An append of its own, counted against the bounds while it is under way. */
  async #alone(
    commands: readonly PreparedCommand[],
    append: () => Promise<readonly OfferVerdict[]>,
  ): Promise<readonly OfferVerdict[]> {
    const { name } = this.#context.queue
    const bytes = commands.reduce((sum, command) => sum + command.bytes, 0)
    if (this.#closed) return commands.map(() => closed(name))
    if (!this.#pending.fits(bytes, commands.length)) return commands.map(() => queueFull(name))
    const refusal = this.#load?.refusalOf(commands) ?? null
    if (refusal !== null) return commands.map(() => rejected(refusal))
    this.#pending.add(bytes, commands.length)
    const appending = append()
    const over = appending.then(
      () => {},
      () => {},
    )
    this.#lone.add(over)
    try {
      return await appending
    } finally {
      this.#lone.delete(over)
      this.#leave(bytes, commands.length)
    }
  }

  #take(offer: Offer): void {
    const { bytes } = offer.command
    this.#pending.add(bytes)
    this.#commit.add(offer, bytes)
  }

  #leave(bytes: number, items: number): void {
    this.#pending.remove(bytes, items)
    this.#admission.roomMade()
  }

  async #flush(offers: readonly Offer[]): Promise<void> {
    try {
      answerChunks(await this.#append(offers, false), this.durability)
    } finally {
      this.#leave(
        offers.reduce((sum, { command }) => sum + command.bytes, 0),
        offers.length,
      )
    }
  }

  async #append(offers: readonly Offer[], atomic: boolean): Promise<Appended> {
    const { store, clock } = this.#context
    const appended = await appendChunks(this.#context, offers, (drafts) =>
      appendResending(store, clock, drafts, atomic ? { atomic } : {}),
    )
    if (!(atomic && hasConflict(appended))) recordCommitted(this.#context, appended)
    return appended
  }
}

function answerAll(offers: readonly Offer[], verdict: OfferVerdict): void {
  for (const { done } of offers) done(verdict)
}

function loadControlOf({ queue, loads, clock, telemetry }: ChannelContext): LoadControl | null {
  if (queue.admission === null || loads === undefined) return null
  return new LoadControl({ queue: queue.name, admission: queue.admission, loads, clock, telemetry })
}
