// A chunk on its way into the store, with the messages it is made of. They are acknowledged once nothing about it is owed any more: the chunk
// itself, and a record of every command in it that turned out to conflict with an earlier one.

import { type ChunkDraft, decodeBody } from '../../domain/index.js'

export interface CargoEnds {
  /** Nothing is owed any more. */
  readonly paid: () => void
  /** The store will never take it. */
  readonly refused: (reason: string) => void
}

export class Cargo {
  readonly draft: ChunkDraft
  /** Made of messages, and not a record about another cargo. */
  readonly isDelivered: boolean
  readonly #ends: CargoEnds
  #owed = 1
  #payloads: readonly unknown[] | null = null

  constructor(draft: ChunkDraft, ends: CargoEnds, { isDelivered = true }: { isDelivered?: boolean } = {}) {
    this.draft = draft
    this.isDelivered = isDelivered
    this.#ends = ends
  }

  /** Throws a SyntaxError when the body is not what the chunk says. */
  get payloads(): readonly unknown[] {
    this.#payloads ??= decodeBody(this.draft.body, this.draft.size)
    return this.#payloads
  }

  /** One more thing has to be done before its messages are acknowledged. */
  owe(): void {
    this.#owed += 1
  }

  pay(): void {
    this.#owed -= 1
    if (this.#owed === 0) this.#ends.paid()
  }

  refuse(reason: string): void {
    this.#ends.refused(reason)
  }
}
