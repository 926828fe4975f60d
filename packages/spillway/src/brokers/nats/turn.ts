// The turn of an ordered queue: a message that is never acknowledged, so that the server has it with one process at a time, gives it to the
// next when that one gives it back or says nothing for a while. Whoever has it reads the queue.

import type { Msg } from '@nats-io/transport-node'
import type { Cancel } from '../../ports/index.js'
import type { Machine } from '../driver/index.js'
import { Held } from './held.js'
import type { Line } from './link.js'
import { Pulls } from './pulls.js'
import { BEATS_PER_ACK_WAIT } from './reader.js'

export interface TurnParts {
  readonly line: Line
  readonly machine: Machine
  readonly ackWaitMs: number
  readonly stream: string
  readonly consumer: string
  readonly inboxPrefix: string | undefined
  /** It is ours. */
  readonly onTaken: () => void
  /** It is not ours any more: this process said nothing for too long. */
  readonly onLost: () => void
  readonly onGone: (why: string) => void
}

export class Turn {
  readonly #parts: TurnParts
  readonly #pulls: Pulls
  #held: Held | null = null
  #isEnded = false
  #cancelBeat: Cancel = () => {}

  constructor(parts: TurnParts) {
    this.#parts = parts
    const { line, machine, stream, consumer, inboxPrefix, ackWaitMs, onGone } = parts
    this.#pulls = new Pulls({
      ...{ connection: line.connection, machine, stream, consumer, inboxPrefix, ackWaitMs },
      onMessage: (message) => this.#taken(message),
      onEnd: () => this.#ask(),
      onGone: (why) => {
        if (!this.#isEnded) onGone(why)
      },
    })
    this.#ask()
    this.#beat()
  }

  /** Looks at the clock, and lets go of what was not prolonged in time. */
  isOurs(): boolean {
    if (this.#held === null) return false
    if (!this.#held.isOurs) this.#lose()
    return this.#held !== null
  }

  /** Gives it to whoever waits for it. */
  async close(): Promise<void> {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#cancelBeat()
    await this.#pulls.end()
    await this.#held?.givenBack(this.#parts.line.connection)
  }

  abandon(): readonly Held[] {
    this.#isEnded = true
    this.#cancelBeat()
    this.#pulls.stop()
    return this.#held === null ? [] : [this.#held]
  }

  #ask(): void {
    if (!this.#isEnded && this.#held === null && this.#pulls.wanted === 0) this.#pulls.ask(1)
  }

  #taken(message: Msg): void {
    const { machine, ackWaitMs, onTaken } = this.#parts
    this.#held = new Held(message, { machine, ackWaitMs })
    // When it comes while this is being closed, it is given back at the end.
    if (!this.#isEnded) onTaken()
  }

  #lose(): void {
    this.#held = null
    this.#parts.onLost()
  }

  #beat(): void {
    const { machine, ackWaitMs, line } = this.#parts
    this.#cancelBeat = machine.schedule(ackWaitMs / BEATS_PER_ACK_WAIT, () => {
      if (this.#held?.prolong(line.connection) === false) this.#lose()
      this.#ask()
      this.#beat()
    })
  }
}
