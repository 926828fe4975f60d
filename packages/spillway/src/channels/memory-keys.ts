// Idempotency for commands that never reach the store. It knows what this process took, as long as the process lives and no more
// than MEMORY_KEYS_MAX of them, oldest forgotten first: weaker than the store's keys, like everything volatile.

import type { Durability, KeyDraft } from '../domain/index.js'
import type { OfferVerdict, PreparedCommand } from '../ports/index.js'
import { conflict } from './verdicts.js'

export const MEMORY_KEYS_MAX = 100_000

interface Entry {
  readonly type: string
  readonly key: string
  readonly fingerprint: string
  readonly id: string
  readonly acceptedAt: number
  readonly durability: Durability
  readonly expiresAt: number
}

export interface Claim {
  readonly id: string
  readonly acceptedAt: number
  readonly durability: Durability
}

export class MemoryKeys {
  readonly #byType = new Map<string, Map<string, Entry>>()
  /** Entries in the order they came, in a ring; the one that is overwritten is the oldest. */
  readonly #ring: Entry[] = []
  #next = 0

  /** The answer to a command whose key was taken before; null when it was not. */
  find({ type, key }: PreparedCommand, now: number): OfferVerdict | null {
    const entry = key === null ? undefined : this.#byType.get(type)?.get(key.key)
    if (key === null || entry === undefined || entry.expiresAt <= now) return null
    const { id, acceptedAt, durability, fingerprint } = entry
    return fingerprint === key.fingerprint
      ? { status: 'duplicate', id, acceptedAt, durability }
      : conflict(type, id)
  }

  claim(type: string, { key, fingerprint, windowMs }: KeyDraft, claim: Claim, now: number): void {
    const entry: Entry = { type, key, fingerprint, ...claim, expiresAt: now + windowMs }
    const overwritten = this.#ring[this.#next]
    if (overwritten !== undefined) this.#remove(overwritten)
    this.#ring[this.#next] = entry
    this.#next = (this.#next + 1) % MEMORY_KEYS_MAX
    const keys = this.#byType.get(type) ?? new Map<string, Entry>()
    if (keys.size === 0) this.#byType.set(type, keys)
    keys.set(key, entry)
  }

  /** Forgets the key of a command that was dropped, so that it can be submitted again. */
  release(type: string, { key }: KeyDraft, id: string): void {
    const entry = this.#byType.get(type)?.get(key)
    if (entry?.id === id) this.#remove(entry)
  }

  /** A later entry under the same key stays. */
  #remove(entry: Entry): void {
    const keys = this.#byType.get(entry.type)
    if (keys?.get(entry.key) === entry) keys.delete(entry.key)
  }
}
