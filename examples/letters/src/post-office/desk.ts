// Where orders are taken: every order meets its own kind of trouble, and some of the questions about orders do as well.

import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { chance } from '../chance.js'
import { send } from '../http-service.js'
import type { Books } from './books.js'
import type { LateAnswers } from './late-answers.js'
import { type Temper, temperOf } from './temper.js'
import type { Posting } from './wire.js'

/** Longer than any caller waits. */
const STALL_MS = 15_000
const BUSY_TIMES = 2
/** Of lookups and refunds, those that meet trouble the first time. */
const TROUBLED_SHARE = 0.1

export interface DeskOptions {
  readonly seed: number
  readonly books: Books
  readonly answers: LateAnswers
}

export class Desk {
  readonly #options: DeskOptions
  readonly #asked = new Set<string>()

  constructor(options: DeskOptions) {
    this.#options = options
  }

  async post(posting: Posting, response: ServerResponse): Promise<void> {
    const { seed, books } = this.#options
    const { orderId } = posting
    const times = books.posted(orderId)
    const { status = null } = books.order(orderId) ?? {}
    if (status === 'refused' || status === 'refunded')
      return send(response, 409, { reason: 'refused before' })
    await this.#treat(temperOf(seed, orderId), times, posting, response)
  }

  lookUp(orderId: string, response: ServerResponse): void {
    const isTroubled = this.#isTroubled('lookup', orderId)
    const order = isTroubled ? null : this.#options.books.lookUp(orderId)
    if (isTroubled) send(response, 503)
    else send(response, order === null ? 404 : 200, order ?? { reason: 'no such order' })
  }

  async refund(orderId: string, response: ServerResponse): Promise<void> {
    const isTroubled = this.#isTroubled('refund', orderId)
    await this.#options.books.refund(orderId)
    if (isTroubled) response.destroy()
    else send(response, 200, {})
  }

  async #treat(temper: Temper, times: number, posting: Posting, response: ServerResponse): Promise<void> {
    switch (temper) {
      case 'refuses':
        await this.#options.books.refuse(posting.orderId)
        return send(response, 409, { reason: 'no such address' })
      case 'isBroken':
        return send(response, 500, { reason: 'the printer does not like this one' })
      case 'isBusy':
        return times <= BUSY_TIMES ? send(response, 503) : this.#issue(posting, response)
      case 'hangsUp':
        return times === 1 ? void response.destroy() : this.#issue(posting, response)
      case 'printsAndHangsUp':
        await this.#print(posting)
        return void response.destroy()
      case 'printsAndStalls':
        return this.#stall(posting, response)
      case 'prompt':
        return this.#issue(posting, response)
      default:
        return this.#options.answers.take(temper, posting, response)
    }
  }

  async #stall(posting: Posting, response: ServerResponse): Promise<void> {
    const hungUp = new AbortController()
    response.once('close', () => hungUp.abort())
    await this.#print(posting)
    await sleep(STALL_MS, undefined, { signal: hungUp.signal }).catch(() => {})
    response.destroy()
  }

  async #issue(posting: Posting, response: ServerResponse): Promise<void> {
    send(response, 200, await this.#print(posting))
  }

  #print({ orderId }: Posting) {
    const { books } = this.#options
    books.receive(orderId)
    return books.issue(orderId)
  }

  #isTroubled(about: string, orderId: string): boolean {
    const question = `${about}:${orderId}`
    if (this.#asked.has(question)) return false
    this.#asked.add(question)
    return chance(this.#options.seed, about, orderId) < TROUBLED_SHARE
  }
}
