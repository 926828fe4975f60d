// The default: a command's receipt is given once its chunk is committed in the store. A refused key is its own command's affair, a
// failed append everybody's of that flush.

import type { StoreSpec } from '../config/index.js'
import type { Durability } from '../domain/index.js'
import type { SpillwayError } from '../errors/index.js'
import type { OfferVerdict, PreparedCommand, WithinTransaction } from '../ports/index.js'
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
import type { ChannelContext } from './channel-context.js'
import { DurableChannel } from './durable-channel.js'
import type { Keeping } from './keeping.js'
import type { Offer } from './offer.js'

const APPENDS_IN_FLIGHT_MAX = 2

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

  async keep(offers: readonly Offer[]): Promise<void> {
    answerChunks(await this.#append(offers, false), this.durability)
  }

  keepAll(commands: readonly PreparedCommand[]): Promise<readonly OfferVerdict[]> {
    return answerAtomic(commands, this.durability, (offers) => this.#append(offers, true))
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

  async #append(offers: readonly Offer[], atomic: boolean): Promise<Appended> {
    const { store, clock } = this.#context
    const appended = await appendChunks(this.#context, offers, (drafts) =>
      appendResending(store, clock, drafts, atomic ? { atomic } : {}),
    )
    if (!(atomic && hasConflict(appended))) recordCommitted(this.#context, appended)
    return appended
  }
}
