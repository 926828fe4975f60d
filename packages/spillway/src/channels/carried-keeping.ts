// Commands that are safe once a carrier has their chunk, and that the store comes to know of later. Repeats are found as far as this
// process can, chunks are cut to what the carrier takes, and every command is answered by what became of its chunk.

import type { Durability } from '../domain/index.js'
import { commandId } from '../domain/index.js'
import { isSpillwayError, SpillwayError } from '../errors/index.js'
import type { CommandView, OfferVerdict, PreparedCommand } from '../ports/index.js'
import { collect } from './append-chunks.js'
import type { Carrier } from './carrier.js'
import type { ChannelContext } from './channel-context.js'
import type { Keeping } from './keeping.js'
import { Accepted, type Offer } from './offer.js'
import { type Packed, pack } from './packing.js'
import { Repeats } from './repeats.js'
import { SentChunks } from './sent-chunks.js'
import { atomicRefused, conflict, rejected } from './verdicts.js'

export class CarriedKeeping implements Keeping {
  readonly kind: string
  readonly durability: Durability
  readonly inFlightMax: number
  readonly #carrier: Carrier
  readonly #context: ChannelContext
  readonly #repeats = new Repeats()
  readonly #sent = new SentChunks()

  constructor(carrier: Carrier, context: ChannelContext) {
    this.#carrier = carrier
    this.#context = context
    this.kind = carrier.kind
    this.durability = carrier.durability
    this.inFlightMax = carrier.inFlightMax
  }

  /** A carrier takes as many parcels at once as it can by itself. */
  isToBeHalved(): boolean {
    return false
  }

  async keep(offers: readonly Offer[]): Promise<void> {
    const fresh = this.#repeats.sift(offers, this.#context.clock.now())
    if (fresh.length > 0) await this.#carry(this.#pack(fresh))
  }

  /** What is sent as one message is there or not; several are never sure to arrive together. */
  async keepAll(commands: readonly PreparedCommand[]): Promise<readonly OfferVerdict[]> {
    await this.#repeats.quiet(commands)
    const refused = this.#refusedTogether(commands)
    if (refused !== null) return refused
    const { offers, verdicts } = collect(commands)
    const packed = this.#pack(this.#repeats.sift(offers, this.#context.clock.now()))
    const problem = verdicts.find((verdict) => verdict?.status === 'rejected')
    if (problem === undefined && packed.length <= 1) await this.#carry(packed)
    else this.#refuse(packed, problem?.status === 'rejected' ? problem.error : this.#severalChunks(packed))
    return verdicts
  }

  async keepWithin(): Promise<never> {
    const { name } = this.#context.queue
    throw new SpillwayError(
      'unsupported',
      `Queue ${name} travels by ${this.#carrier.name}, which cannot take part in a transaction: give it the 'store' channel, or submit without tx once your transaction has committed.`,
      { details: { queue: name, channel: this.kind } },
    )
  }

  errorOf(error: unknown): SpillwayError {
    if (isSpillwayError(error)) return error
    return new SpillwayError('internal', `The ${this.kind} channel failed; see the cause.`, { cause: error })
  }

  lookupSent(id: string): CommandView | null {
    return this.#sent.find(id)
  }

  #pack(offers: readonly Offer[]): readonly Packed[] {
    const { queue, newChunkId } = this.#context
    return pack(offers, {
      queue: queue.name,
      carrier: this.#carrier,
      newChunkId,
      chunkCommandsMax: queue.chunkCommandsMax,
      refuse: (offer, error) => this.#answer(offer, rejected(error)),
    })
  }

  async #carry(packed: readonly Packed[]): Promise<void> {
    if (packed.length === 0) return
    const errors = await this.#carrier.carry(packed.map(({ parcel }) => parcel))
    const acceptedAt = this.#context.clock.now()
    for (const [index, one] of packed.entries()) {
      const error = errors[index]
      if (error === undefined) this.#reject(one, unanswered(this.#carrier.name))
      else if (error === null) this.#accept(one, acceptedAt)
      else this.#reject(one, error)
    }
  }

  #accept({ group, parcel }: Packed, acceptedAt: number): void {
    const { telemetry } = this.#context
    const { draft } = parcel
    const { id, queue, type, size } = draft
    this.#sent.add(draft, acceptedAt)
    telemetry.record({ event: 'chunk.committed', queue, type, commands: size, bytes: group.bytes })
    for (const [index, offer] of group.offers.entries()) {
      const { durability } = this
      this.#answer(offer, new Accepted(commandId(id, index), acceptedAt, durability))
    }
  }

  #refuse(packed: readonly Packed[], error: SpillwayError): void {
    for (const one of packed) this.#reject(one, error)
  }

  #reject({ group }: Packed, error: SpillwayError): void {
    for (const offer of group.offers) this.#answer(offer, rejected(error))
  }

  #answer({ command, done }: Offer, verdict: OfferVerdict): void {
    done(verdict)
    this.#repeats.settled(command, verdict, this.#context.clock.now())
  }

  /** Answers for all when one of them has a key that was taken for another payload: before, or by another of them. */
  #refusedTogether(commands: readonly PreparedCommand[]): readonly OfferVerdict[] | null {
    const now = this.#context.clock.now()
    const fingerprints = new Map<string, string>()
    const verdicts = commands.map((command) => {
      const { type, key } = command
      const known = this.#repeats.known(command, now)
      if (key === null || known?.status === 'rejected') return known
      const name = `${type} ${key.key}`
      const first = fingerprints.get(name) ?? key.fingerprint
      fingerprints.set(name, first)
      return first === key.fingerprint ? null : conflict(type, null)
    })
    const refused = verdicts.findIndex((verdict) => verdict?.status === 'rejected')
    if (refused === -1) return null
    return verdicts.map((verdict) => (verdict?.status === 'rejected' ? verdict : atomicRefused(refused)))
  }

  #severalChunks(packed: readonly Packed[]): SpillwayError {
    const { name } = this.#context.queue
    return new SpillwayError(
      'unsupported',
      `These commands make ${packed.length} messages, and ${this.#carrier.name} takes one at a time: submit fewer together, of one priority and for one time, or submit them without atomic, or give queue ${name} the 'store' channel.`,
      { details: { queue: name, messages: packed.length } },
    )
  }
}

function unanswered(carrier: string): SpillwayError {
  return new SpillwayError('internal', `${carrier} did not say what became of every message.`)
}
