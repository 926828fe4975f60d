// All commands that this process knows of a volatile channel: the ones it holds, the ones that ended a while ago, and
// the idempotency keys of both.

import type { Durability } from '../domain/index.js'
import type { CommandView, OfferVerdict, PreparedCommand } from '../ports/index.js'
import type { ChannelContext } from './channel-context.js'
import { type Ending, type HeldCommand, hold, viewOf } from './held-command.js'
import { type Claim, MemoryKeys } from './memory-keys.js'
import { RecentCommands } from './recent-commands.js'

export class HeldCommands {
  readonly #context: ChannelContext
  readonly #keys = new MemoryKeys()
  readonly #recent = new RecentCommands()

  constructor(context: ChannelContext) {
    this.#context = context
  }

  /** The answer to a command whose key this process took before; null when it did not. */
  known(command: PreparedCommand): OfferVerdict | null {
    return command.key === null ? null : this.#keys.find(command, this.#context.clock.now())
  }

  accept(command: PreparedCommand, durability: Durability): HeldCommand {
    const held = hold(command, this.#context.newChunkId(), this.#context.clock.now())
    this.#recent.add(held)
    if (command.key !== null) this.remember(command, { id: held.id, acceptedAt: held.acceptedAt, durability })
    return held
  }

  /** Keeps the key of a command that was stored, so that its repeats need not ask the store. */
  remember(command: PreparedCommand, claim: Claim): void {
    if (command.key !== null) {
      this.#keys.claim(command.type, command.key, claim, this.#context.clock.now())
    }
  }

  end(held: HeldCommand, { state, attempts, error, result }: Ending): void {
    held.state = state
    held.attempts = attempts
    held.error = error
    held.result = result
    this.#finish(held)
  }

  /** The store has it now, and is to be asked. */
  release(held: HeldCommand): void {
    held.isStored = true
    this.#finish(held)
  }

  /** It was dropped from a full queue. Its receipt was given, so it is counted, and its id tells. */
  discard(held: HeldCommand): void {
    const { type, queue, key, id } = held
    const { telemetry } = this.#context
    telemetry.record({ event: 'attempt.finished', queue, type, outcome: 'lost', count: 1 })
    telemetry.record({
      event: 'command.finished',
      queue,
      type,
      outcome: 'cancelled',
      count: 1,
      completionMs: null,
    })
    if (key !== null) this.#keys.release(type, key, id)
    const message = 'Dropped from the full memory queue to make room for newer commands.'
    this.end(held, { state: 'cancelled', attempts: 0, error: { code: 'discarded', message }, result: null })
  }

  lookup(id: string): CommandView | null {
    const held = this.#recent.find(id)
    return held === undefined || held.isStored ? null : viewOf(held)
  }

  #finish(held: HeldCommand): void {
    held.finishedAt = this.#context.clock.now()
    held.json = ''
    this.#recent.end(held)
  }
}
