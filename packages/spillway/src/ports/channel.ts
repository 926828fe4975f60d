// How a command travels from intake to a worker. Intake prepares commands one at a time; a channel answers each through a
// callback, because a promise per command is the largest cost of a hot path that costs 10 microseconds in all.

import type { Durability, KeyDraft } from '../domain/index.js'
import type { SpillwayError } from '../errors/index.js'

/** A validated command on its way to a channel. */
export interface PreparedCommand {
  readonly type: string
  readonly queue: string
  /** The schema's output as JSON text: nobody can change a payload that waits, and every channel hands out the same. */
  readonly json: string
  /** UTF-8 bytes of `json`, or an upper bound of them. */
  readonly bytes: number
  readonly key: KeyDraft | null
  readonly priority: number
  readonly partition: number | null
  /** Whose command it is, on a queue that serves tenants in turn; else null. */
  readonly tenant: string | null
  /** Not before this time, ms since the epoch; null = now. */
  readonly runAt: number | null
}

export type OfferVerdict =
  | {
      readonly status: 'accepted'
      readonly id: string
      readonly acceptedAt: number
      readonly durability: Durability
    }
  | {
      readonly status: 'duplicate'
      readonly id: string
      readonly acceptedAt: number
      readonly durability: Durability
    }
  | { readonly status: 'rejected'; readonly error: SpillwayError }

/** Called exactly once per command. */
export type Completion = (verdict: OfferVerdict) => void

/** The caller's own transaction, as the library that runs it hands it out. The store finds out which one it is. */
export interface WithinTransaction {
  readonly tx: object
  /** All or nothing: one conflict and nothing of this call is left in the transaction. */
  readonly atomic: boolean
}

export interface Channel {
  readonly kind: string
  readonly durability: Durability
  /** Takes one command. With the `block` policy it may answer late; it never throws. */
  offer(command: PreparedCommand, done: Completion): void
  /** All of them in one commit, or none: answers like offer, in order. */
  offerAll(commands: readonly PreparedCommand[]): Promise<readonly OfferVerdict[]>
  /**
   * Writes them in the caller's transaction: answers like offer, in order, and what it accepts holds once that commits. Rejects
   * when the channel cannot (`unsupported`), the handle is none (`invalid_argument`) or the store fails.
   */
  offerWithin(
    commands: readonly PreparedCommand[],
    within: WithinTransaction,
  ): Promise<readonly OfferVerdict[]>
  /** Resolves when the channel can take more without rejecting or blocking: backpressure for streams. */
  ready(): Promise<void>
  /** Resolves when everything taken so far was answered and, for volatile channels, executed or parked. */
  drain(): Promise<void>
  /** Takes nothing more, then drains. */
  close(): Promise<void>
}
