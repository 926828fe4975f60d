// The default: a command's receipt is given once its chunk is committed in the store. A refused key is its own command's affair, a
// failed append everybody's of that flush.

import type { StoreSpec } from '../config/index.js'
import type { Durability } from '../domain/index.js'
import type { SpillwayError } from '../errors/index.js'
import type { OfferVerdict, PreparedCommand, ShortVerdict, WithinTransaction } from '../ports/index.js'
import {
  type Appended,
  answerAtomic,
  answerChunks,
  appendChunks,
  type Chunked,
  chunksOf,
  hasConflict,
  recordCommitted,
} from './append-chunks.js'
import { appendResending, asStoreError } from './append-resending.js'
import { appendWithin } from './append-within.js'
import type { ChannelContext } from './channel-context.js'
import { DurableChannel } from './durable-channel.js'
import type { Keeping } from './keeping.js'
import type { Offer } from './offer.js'
import { rejected } from './verdicts.js'

const APPENDS_IN_FLIGHT_MAX = 2
/** Commands that are worth two commits where one of them would be all that goes on. */
const HALVE_FROM = 128

export function storeChannel(spec: StoreSpec, context: ChannelContext): DurableChannel {
  return new DurableChannel(spec, context, new StoreKeeping(context))
}

class StoreKeeping implements Keeping {
  readonly kind = 'store'
  readonly durability: Durability
  readonly inFlightMax: number
  readonly #context: ChannelContext

  constructor(context: ChannelContext) {
    this.#context = context
    this.durability = context.store.capabilities.durability === 'disk' ? 'store' : 'memory'
    this.inFlightMax = context.appendsInFlightMax ?? APPENDS_IN_FLIGHT_MAX
  }

  /**
   * On the short way nothing else goes on, but rows that overwrite each other stay in order. On the usual way a worker claims and settles
   * beside the appends, and more chunks would only cost more.
   */
  isToBeHalved(offers: readonly Offer[]): boolean {
    const { queue, shortWay } = this.#context
    if (offers.length < HALVE_FROM || queue.partitions !== null) return false
    return shortWay?.mayDivide((offers[0] as Offer).command.type) === true
  }

  async keep(offers: readonly Offer[]): Promise<void> {
    const chunks = chunksOf(this.#context, offers)
    const verdicts = (await this.#context.shortWay?.take(chunks.drafts)) ?? []
    const left = this.#answerStored(chunks, verdicts)
    if (left.drafts.length === 0) return
    try {
      const isDoubtful = verdicts.includes('doubtful')
      answerChunks(await this.#append(left, { isDoubtful }), this.durability)
    } catch (error) {
      if (left === chunks) throw error
      const verdict = rejected(this.errorOf(error))
      for (const { offers: unkept } of left.groups) for (const { done } of unkept) done(verdict)
    }
  }

  keepAll(commands: readonly PreparedCommand[]): Promise<readonly OfferVerdict[]> {
    return answerAtomic(commands, this.durability, (offers) =>
      this.#append(chunksOf(this.#context, offers), { atomic: true }),
    )
  }

  keepWithin(
    commands: readonly PreparedCommand[],
    within: WithinTransaction,
  ): Promise<readonly OfferVerdict[]> {
    return appendWithin(this.#context, commands, within)
  }

  errorOf(error: unknown): SpillwayError {
    return asStoreError(error)
  }

  lookupSent(): null {
    return null
  }

  /** What is left to be appended: all of it, the same object, where nothing could take the short way. */
  #answerStored(chunks: Chunked, verdicts: readonly ShortVerdict[]): Chunked {
    if (!verdicts.some(isStored)) return chunks
    const results = verdicts.filter(isStored).map((createdAt) => ({ createdAt, verdicts: null }))
    const { groups, drafts } = where(chunks, (at) => isStored(verdicts[at]))
    const stored: Appended = { groups, drafts, results }
    recordCommitted(this.#context, stored)
    answerChunks(stored, this.durability)
    return where(chunks, (at) => !isStored(verdicts[at]))
  }

  async #append(
    chunks: Chunked,
    { isDoubtful = false, ...options }: { readonly atomic?: boolean; readonly isDoubtful?: boolean },
  ): Promise<Appended> {
    const { store, clock } = this.#context
    const appended = await appendChunks(this.#context, chunks, (drafts) =>
      appendResending(store, clock, drafts, options, isDoubtful),
    )
    if (!(options.atomic === true && hasConflict(appended))) recordCommitted(this.#context, appended)
    return appended
  }
}

function where({ groups, drafts }: Chunked, isMeant: (at: number) => boolean): Chunked {
  return { groups: groups.filter((_, at) => isMeant(at)), drafts: drafts.filter((_, at) => isMeant(at)) }
}

function isStored(verdict: ShortVerdict | undefined): verdict is number {
  return typeof verdict === 'number'
}
