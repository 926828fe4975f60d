// A request body as it arrives, taken piece by piece: whoever reads decides when, so nothing piles up. A wait ends when bytes
// come, the client is done or gone, the body stands still for too long, or the server closes.

import type { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import type { Clock } from '../ports/index.js'
import type { BodyDeadlines } from './body-deadlines.js'

/** `end`: the body is complete. `gone`: it never will be. `late`: it stands still. `closing`: the server wants to stop. */
export type BodyEvent = Buffer | 'end' | 'gone' | 'late' | 'closing'

const EVENTS = ['readable', 'end', 'error', 'close'] as const

export class BodyChunks {
  readonly #request: FastifyRequest
  readonly #source: Readable
  readonly #deadlines: BodyDeadlines
  readonly #closing: AbortSignal
  #late = false

  constructor(request: FastifyRequest, deadlines: BodyDeadlines, closing: AbortSignal) {
    this.#request = request
    this.#source = request.body as Readable
    this.#deadlines = deadlines
    this.#closing = closing
    // The state is looked at when the next piece is wanted; without a listener Node would end the process instead.
    this.#source.on('error', () => {})
  }

  /** Whether more bytes can be had now, after a turn in which the socket could deliver some. */
  async hasMore(clock: Clock): Promise<boolean> {
    if (this.#source.readableLength === 0) await new Promise<void>((resolve) => clock.defer(resolve))
    return this.#source.readableLength > 0
  }

  async next(): Promise<BodyEvent> {
    for (;;) {
      if (this.#closing.aborted) return 'closing'
      const chunk: unknown = this.#source.read()
      if (Buffer.isBuffer(chunk)) return chunk
      if (this.#source.readableEnded) return 'end'
      if (this.#source.destroyed) return 'gone'
      if (this.#late) return 'late'
      await this.#something()
    }
  }

  #something(): Promise<void> {
    const source = this.#source
    return new Promise((resolve) => {
      const wake = (): void => {
        for (const event of EVENTS) source.removeListener(event, wake)
        this.#closing.removeEventListener('abort', wake)
        this.#deadlines.arrived(this.#request)
        resolve()
      }
      for (const event of EVENTS) source.on(event, wake)
      this.#closing.addEventListener('abort', wake)
      this.#deadlines.expect(this.#request, () => {
        this.#late = true
        wake()
      })
    })
  }
}
