// What the channels have in common whose receipts are given once a command is safe: in the store, in the journal, with a broker. Concurrent
// submits share what it costs through the group commit; how much may gather, and who waits or is refused beyond that, is decided
// here, and what "safe" means by the keeping.

import type { GatherSpec } from '../config/index.js'
import { CHUNK_BYTES_MAX, CHUNK_COMMANDS_MAX, type Durability } from '../domain/index.js'
import { GroupCommit } from '../group-commit/index.js'
import type {
  CommandView,
  Completion,
  OfferVerdict,
  PreparedCommand,
  WithinTransaction,
} from '../ports/index.js'
import { Admission } from './admission.js'
import { Bounds } from './bounds.js'
import type { ChannelContext, OpenChannel } from './channel-context.js'
import type { Keeping } from './keeping.js'
import { LoadControl } from './load-control.js'
import { Offer } from './offer.js'
import { closed, queueFull, rejected } from './verdicts.js'

/** Commands and bytes of one flush: several chunks, one commit. */
const FLUSH_COMMANDS_MAX = 4 * CHUNK_COMMANDS_MAX
const FLUSH_BYTES_MAX = 2 * CHUNK_BYTES_MAX

export class DurableChannel implements OpenChannel {
  readonly kind: string
  readonly durability: Durability
  readonly #context: ChannelContext
  readonly #keeping: Keeping
  readonly #commit: GroupCommit<Offer>
  readonly #pending: Bounds
  readonly #admission: Admission
  /** Null for a queue that takes whatever its bounds allow. */
  readonly #load: LoadControl | null
  /** What is kept outside the group commit. */
  readonly #lone = new Set<Promise<unknown>>()
  #closed = false

  constructor(spec: GatherSpec, context: ChannelContext, keeping: Keeping) {
    const { clock, queue } = context
    this.#context = context
    this.#keeping = keeping
    this.kind = keeping.kind
    this.durability = keeping.durability
    this.#pending = new Bounds(spec.maxItems, spec.maxBytes)
    this.#load = loadControlOf(context)
    this.#commit = new GroupCommit({
      clock,
      flush: (offers) => this.#flush(offers),
      onError: (offers, error) => answerAll(offers, rejected(keeping.errorOf(error))),
      inFlightMax: keeping.inFlightMax,
      isToBeHalved: (offers) => keeping.isToBeHalved(offers),
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
    if (refusal === null) this.#admission.admit(new Offer(command, done))
    else done(rejected(refusal))
  }

  offerAll(commands: readonly PreparedCommand[]): Promise<readonly OfferVerdict[]> {
    return this.#alone(commands, async () => {
      try {
        return await this.#keeping.keepAll(commands)
      } catch (error) {
        return commands.map(() => rejected(this.#keeping.errorOf(error)))
      }
    })
  }

  offerWithin(
    commands: readonly PreparedCommand[],
    within: WithinTransaction,
  ): Promise<readonly OfferVerdict[]> {
    return this.#alone(commands, () => this.#keeping.keepWithin(commands, within))
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

  lookupSent(id: string): CommandView | null {
    return this.#keeping.lookupSent(id)
  }

  /** A call of its own, counted against the bounds while it is under way. */
  async #alone(
    commands: readonly PreparedCommand[],
    keep: () => Promise<readonly OfferVerdict[]>,
  ): Promise<readonly OfferVerdict[]> {
    const { name } = this.#context.queue
    const bytes = commands.reduce((sum, command) => sum + command.bytes, 0)
    if (this.#closed) return commands.map(() => closed(name))
    if (!this.#pending.fits(bytes, commands.length)) return commands.map(() => queueFull(name))
    const refusal = this.#load?.refusalOf(commands) ?? null
    if (refusal !== null) return commands.map(() => rejected(refusal))
    this.#pending.add(bytes, commands.length)
    const keeping = keep()
    const over = keeping.then(
      () => {},
      () => {},
    )
    this.#lone.add(over)
    try {
      return await keeping
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
      await this.#keeping.keep(offers)
    } finally {
      this.#leave(
        offers.reduce((sum, { command }) => sum + command.bytes, 0),
        offers.length,
      )
    }
  }
}

function answerAll(offers: readonly Offer[], verdict: OfferVerdict): void {
  for (const { done } of offers) done(verdict)
}

function loadControlOf({ queue, loads, clock, telemetry }: ChannelContext): LoadControl | null {
  if (queue.admission === null || loads === undefined) return null
  return new LoadControl({ queue: queue.name, admission: queue.admission, loads, clock, telemetry })
}
