// Acknowledgements of one channel. What is acknowledged in one turn of the event loop goes out together: all up to a message with one
// word, where none before it is still in hand, because every word is an entry in the log of the queue's replicas.

import type { Channel } from 'amqplib'
import type { Machine } from '../driver/index.js'

type Sender = Pick<Channel, 'ack' | 'nack'>

export class Acknowledgements {
  readonly #channel: Sender
  readonly #machine: Pick<Machine, 'defer'>
  /** Tags in hand, which only grow. */
  readonly #held = new Set<number>()
  #acknowledged: number[] = []
  #isOver = false

  constructor(channel: Sender, machine: Pick<Machine, 'defer'>) {
    this.#channel = channel
    this.#machine = machine
  }

  hold(tag: number): void {
    this.#held.add(tag)
  }

  ack(tag: number): void {
    if (this.#isOver || !this.#held.delete(tag)) return
    if (this.#acknowledged.length === 0) this.#machine.defer(() => this.flush())
    this.#acknowledged.push(tag)
  }

  /** Gives it to whoever consumes next. */
  release(tag: number): void {
    if (this.#isOver || !this.#held.delete(tag)) return
    this.#send(() => this.#channel.nack(messageOf(tag), false, true))
  }

  flush(): void {
    if (this.#isOver) return
    const tags = this.#acknowledged.sort((one, other) => one - other)
    this.#acknowledged = []
    const lowestHeld = this.#held.values().next().value ?? Number.POSITIVE_INFINITY
    const together = tags.findLast((tag) => tag < lowestHeld)
    if (together !== undefined) this.#send(() => this.#channel.ack(messageOf(together), true))
    for (const tag of tags) if (tag > lowestHeld) this.#send(() => this.#channel.ack(messageOf(tag), false))
  }

  /** The channel is gone: its tags mean nothing, or another message, on the next. */
  end(): void {
    this.#isOver = true
  }

  #send(send: () => void): void {
    try {
      send()
    } catch {
      // The channel has just gone: the message is delivered again.
      this.#isOver = true
    }
  }
}

/** The client reads nothing of a message but its tag. */
function messageOf(deliveryTag: number): Parameters<Sender['ack']>[0] {
  return { fields: { deliveryTag } } as Parameters<Sender['ack']>[0]
}
