// How a durable channel makes commands safe. Everything else about such a channel is the same wherever they go: who gets in, what
// gathers, what happens at the end.

import type { Durability } from '../domain/index.js'
import type { SpillwayError } from '../errors/index.js'
import type { CommandView, OfferVerdict, PreparedCommand, WithinTransaction } from '../ports/index.js'
import type { Offer } from './offer.js'

export interface Keeping {
  readonly kind: string
  readonly durability: Durability
  /** Calls of `keep` at once. */
  readonly inFlightMax: number
  /** Whether what would be kept by one call, with none beside it, is better kept by two. */
  isToBeHalved(offers: readonly Offer[]): boolean
  /** Answers each of them, or throws before it has answered any. The array is its own. */
  keep(offers: readonly Offer[]): Promise<void>
  /** All or none. */
  keepAll(commands: readonly PreparedCommand[]): Promise<readonly OfferVerdict[]>
  /** In the caller's transaction; rejects where that cannot be. */
  keepWithin(
    commands: readonly PreparedCommand[],
    within: WithinTransaction,
  ): Promise<readonly OfferVerdict[]>
  /** What the callers of commands are told that a throw of `keep` left unanswered. */
  errorOf(error: unknown): SpillwayError
  /** A command that was kept where the store may not know of it yet. */
  lookupSent(id: string): CommandView | null
}
