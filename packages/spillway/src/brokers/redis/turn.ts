// The turn of an ordered queue: a key that one process holds, and loses when it says nothing for a while. Whoever has it reads the queue.

import type { Cancel } from '../../ports/index.js'
import type { Machine } from '../driver/index.js'
import type { Line } from './link.js'
import type { QueueKeys } from './names.js'
import { BEATS_PER_ACK_WAIT } from './reader.js'

export interface TurnParts {
  readonly line: Line
  readonly machine: Machine
  readonly ackWaitMs: number
  readonly keys: QueueKeys
  readonly holder: string
  /** It is ours. */
  readonly onTaken: () => void
  /** It is not ours any more: this process said nothing for too long. */
  readonly onLost: () => void
  readonly onFault: (error: unknown) => void
}

/** How often who waits for it asks. */
const ASK_EVERY_MS_MAX = 1_000
/** The part of its time after which it is as good as lost. */
const SAFE_SHARE = 0.8

export class Turn {
  readonly #parts: TurnParts
  /** By the monotonic clock: until when it is surely ours. */
  #oursUntilMs: number | null = null
  #isEnded = false
  #asking: Promise<void> = Promise.resolve()
  #cancel: Cancel = () => {}
  #cancelLoss: Cancel = () => {}

  constructor(parts: TurnParts) {
    this.#parts = parts
    this.#ask()
  }

  /** Looks at the clock, and lets go of what was not prolonged in time. */
  isOurs(): boolean {
    if (this.#oursUntilMs !== null && this.#parts.machine.monotonic() >= this.#oursUntilMs) this.#lose()
    return this.#oursUntilMs !== null
  }

  /** Leaves it to whoever asks next. */
  async close(): Promise<void> {
    this.abandon()
    const { line, keys, holder, onFault } = this.#parts
    await this.#asking
    await line.ask((client) => client.spillwayEndTurn(keys.turn, holder)).catch(onFault)
  }

  abandon(): void {
    this.#isEnded = true
    this.#cancel()
    this.#cancelLoss()
  }

  #ask(): void {
    const { machine, ackWaitMs, onFault } = this.#parts
    this.#asking = this.#asked().catch(onFault)
    const everyMs = ackWaitMs / BEATS_PER_ACK_WAIT
    this.#cancel = machine.schedule(Math.min(everyMs, ASK_EVERY_MS_MAX), () => this.#ask())
  }

  async #asked(): Promise<void> {
    const { line, machine, keys, holder, ackWaitMs, onTaken } = this.#parts
    const askedAtMs = machine.monotonic()
    const isOurs = (await line.ask((client) => client.spillwayTakeTurn(keys.turn, holder, ackWaitMs))) === 1
    if (this.#isEnded) return
    if (!isOurs) {
      this.#lose()
      return
    }
    const wasOurs = this.#oursUntilMs !== null
    this.#oursUntilMs = askedAtMs + ackWaitMs * SAFE_SHARE
    this.#cancelLoss()
    this.#cancelLoss = machine.schedule(this.#oursUntilMs - machine.monotonic(), () => this.#lose())
    if (!wasOurs) onTaken()
  }

  #lose(): void {
    if (this.#oursUntilMs === null) return
    this.#oursUntilMs = null
    this.#cancelLoss()
    this.#parts.onLost()
  }
}
