// Idempotency for commands whose keys are looked at only where they arrive. What this process has taken lately it need not send twice: a
// repeat is answered with the first command's verdict, at once or as soon as that is known. Whatever it does not know, the store
// finds when the chunk lands.

import type { KeyDraft } from '../domain/index.js'
import type { OfferVerdict, PreparedCommand } from '../ports/index.js'
import { MemoryKeys } from './memory-keys.js'
import { Offer } from './offer.js'
import { conflict } from './verdicts.js'

/** Those that came with the key of a command while it was being made safe. */
type Followers = Offer[]

export class Repeats {
  /** Of commands that are safe. */
  readonly #kept = new MemoryKeys()
  readonly #underway = new Map<string, Followers>()

  /** The offers that are to be made safe, of which `settled` is to be told. All others are, or will be, answered here. */
  sift(offers: readonly Offer[], now: number): readonly Offer[] {
    const hasKeys = offers.some(({ command }) => command.key !== null)
    return hasKeys ? offers.filter((offer) => !this.#isRepeat(offer, now)) : offers
  }

  /** What became of a command that was sifted out; its key is free again when it was rejected. */
  settled({ type, key }: PreparedCommand, verdict: OfferVerdict, now: number): void {
    if (key === null) return
    const name = nameOf(type, key)
    const followers = this.#underway.get(name) ?? []
    this.#underway.delete(name)
    if (verdict.status !== 'rejected') {
      const { id, acceptedAt, durability } = verdict
      this.#kept.claim(type, key, { id, acceptedAt, durability }, now)
    }
    for (const { command, done } of followers) done(repeated(command, key, verdict))
  }

  /** What is known of the command's key; null when nothing is. */
  known(command: PreparedCommand, now: number): OfferVerdict | null {
    return this.#kept.find(command, now)
  }

  /** Resolves when no command with one of these keys is under way. */
  async quiet(commands: readonly PreparedCommand[]): Promise<void> {
    for (const command of commands) {
      const followers = this.#followers(command)
      if (followers !== undefined)
        await new Promise<unknown>((done) => followers.push(new Offer(command, done)))
    }
    // While it waited for one, another may have begun.
    if (commands.some((command) => this.#followers(command) !== undefined)) await this.quiet(commands)
  }

  #isRepeat(offer: Offer, now: number): boolean {
    const { type, key } = offer.command
    if (key === null) return false
    const followers = this.#followers(offer.command)
    if (followers !== undefined) {
      followers.push(offer)
      return true
    }
    const known = this.known(offer.command, now)
    if (known === null) this.#underway.set(nameOf(type, key), [])
    else offer.done(known)
    return known !== null
  }

  #followers({ type, key }: PreparedCommand): Followers | undefined {
    return key === null ? undefined : this.#underway.get(nameOf(type, key))
  }
}

/** A command's name has no blanks. */
function nameOf(type: string, { key }: KeyDraft): string {
  return `${type} ${key}`
}

function repeated({ type, key }: PreparedCommand, first: KeyDraft, verdict: OfferVerdict): OfferVerdict {
  if (verdict.status === 'rejected') return verdict
  if (key?.fingerprint !== first.fingerprint) return conflict(type, verdict.id)
  return { ...verdict, status: 'duplicate' }
}
