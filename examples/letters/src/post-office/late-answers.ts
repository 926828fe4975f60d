// Orders that are taken with 202 and answered by a call of the post office's own: in time, too late, twice, or never.

import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { chance } from '../chance.js'
import { send } from '../http-service.js'
import type { Books } from './books.js'
import type { Temper } from './temper.js'
import type { LateAnswer, Posting } from './wire.js'

const SOON_MS = 400
/** Longer than the application waits for a late answer. */
const LATE_MS = 3_000
const TRIES_MAX = 30
const TRY_AGAIN_MS = 150
const ANSWER_MS_MAX = 5_000

export interface LateAnswersOptions {
  readonly seed: number
  readonly books: Books
}

export class LateAnswers {
  readonly #options: LateAnswersOptions
  readonly #underWay = new Set<Promise<void>>()

  constructor(options: LateAnswersOptions) {
    this.#options = options
  }

  take(temper: Temper, posting: Posting, response: ServerResponse): void {
    const { seed, books } = this.#options
    books.receive(posting.orderId)
    send(response, 202, {})
    const waitMs =
      temper === 'answersLate' ? LATE_MS : Math.round(chance(seed, 'wait', posting.orderId) * SOON_MS)
    const work = this.#answer(temper, posting, waitMs).finally(() => this.#underWay.delete(work))
    this.#underWay.add(work)
  }

  /** Resolves when no answer is on its way. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
  }

  async #answer(temper: Temper, posting: Posting, waitMs: number): Promise<void> {
    const { books } = this.#options
    const { orderId, token } = posting
    const refuses = temper === 'refusesLater'
    // The work itself is done in good time: only the word about it is late.
    await sleep(Math.min(waitMs, SOON_MS))
    const issued = refuses ? null : await books.issue(orderId)
    if (refuses) await books.refuse(orderId)
    if (temper === 'neverAnswers') return
    await sleep(Math.max(0, waitMs - SOON_MS))
    const answer: LateAnswer = {
      ...{ token, orderId, reason: refuses ? 'no such address' : null },
      issued: issued === null ? null : { trackingNumber: issued.trackingNumber ?? '' },
    }
    await this.#tell(posting, answer)
    if (temper === 'answersTwice') await this.#tell(posting, answer)
  }

  /** As long as the application is not there, or asks for a moment. */
  async #tell({ replyUrl, orderId }: Posting, answer: LateAnswer): Promise<void> {
    for (let tries = 1; tries <= TRIES_MAX; tries += 1) {
      const status = await post(replyUrl, answer)
      if (status === 200 || status === 410) return this.#options.books.answered(orderId, status === 200)
      await sleep(TRY_AGAIN_MS)
    }
    await this.#options.books.answered(orderId, false)
  }
}

/** The status, or null when there was no answer. */
async function post(url: string, answer: LateAnswer): Promise<number | null> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(answer),
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    })
    await response.arrayBuffer()
    return response.status
  } catch {
    return null
  }
}
