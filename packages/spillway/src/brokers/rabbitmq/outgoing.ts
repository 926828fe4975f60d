// Messages on their way out: first they wait for their turn, then for their confirm.

import type { Options } from 'amqplib'
import type { PublishVerdict } from '../../ports/index.js'

interface Content {
  /** As the server calls it. */
  readonly queue: string
  readonly id: string | null
  readonly body: Uint8Array
  readonly options: Options.Publish
}

const NOTHING = new Uint8Array(0)

export class Outgoing implements Content {
  readonly queue: string
  readonly id: string | null
  readonly options: Options.Publish
  /** Let go of with the verdict: a confirm that never comes would keep it. */
  body: Uint8Array
  readonly dueAtMs: number
  readonly answer: (verdict: PublishVerdict) => void
  isReturned = false
  isSettled = false

  constructor(content: Content, dueAtMs: number, answer: (verdict: PublishVerdict) => void) {
    this.queue = content.queue
    this.id = content.id
    this.body = content.body
    this.options = content.options
    this.dueAtMs = dueAtMs
    this.answer = answer
  }
}

export class Outgoings {
  /** In the order of sending, which is that of coming. */
  readonly sent = new Set<Outgoing>()
  readonly #waiting = new Set<Outgoing>()
  readonly #idle: (() => void)[] = []
  #sentBytes = 0

  get sentBytes(): number {
    return this.#sentBytes
  }

  get waiting(): number {
    return this.#waiting.size
  }

  get oldest(): Outgoing | null {
    return first(this.sent) ?? first(this.#waiting) ?? null
  }

  add(message: Outgoing): void {
    this.#waiting.add(message)
  }

  /** The next one, which counts as sent from now on; null when none waits. */
  send(): Outgoing | null {
    const next = first(this.#waiting)
    if (next === undefined) return null
    this.#waiting.delete(next)
    this.sent.add(next)
    this.#sentBytes += next.body.length
    return next
  }

  /** Those that wait, which are nobody's then. */
  takeWaiting(): readonly Outgoing[] {
    const all = [...this.#waiting]
    this.#waiting.clear()
    return all
  }

  overdue(now: number): readonly Outgoing[] {
    return [...dueIn(this.sent, now), ...dueIn(this.#waiting, now)]
  }

  /** Only the first verdict counts. */
  settle(message: Outgoing, verdict: PublishVerdict): void {
    if (message.isSettled) return
    message.isSettled = true
    if (this.sent.delete(message)) this.#sentBytes -= message.body.length
    this.#waiting.delete(message)
    message.body = NOTHING
    message.answer(verdict)
    if (this.oldest === null) for (const resolve of this.#idle.splice(0)) resolve()
  }

  /** Resolves when every message has its verdict. */
  settled(): Promise<void> {
    if (this.oldest === null) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }
}

function first<Item>(set: ReadonlySet<Item>): Item | undefined {
  return set.values().next().value
}

function dueIn(set: ReadonlySet<Outgoing>, now: number): readonly Outgoing[] {
  const due: Outgoing[] = []
  for (const message of set) {
    if (message.dueAtMs > now) break
    due.push(message)
  }
  return due
}
