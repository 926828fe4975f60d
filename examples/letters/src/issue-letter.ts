// The command: everything that can go wrong with a letter, and what is to be done about it, in one place.

import { applied, defineCommand, failed, notApplied, pending, stillUnknown } from 'spillway'
import { Letter } from './letter.js'
import type { PostOffice } from './post-office/client.js'

export interface IssueLetterOptions {
  readonly postOffice: PostOffice
  /** Where the post office sends a later answer. */
  readonly replyUrl: string
}

export function issueLetterCommand({ postOffice, replyUrl }: IssueLetterOptions) {
  return defineCommand({
    name: 'letter.issue',
    queue: 'letters',
    input: Letter,
    idempotencyKey: (letter) => letter.orderId,
    timeout: '1s',
    retry: { attempts: 6, backoff: { type: 'exponential', delay: '200ms', max: '1s' } },
    // While the post office is down it is left alone, instead of failing every letter that waits once.
    breaker: { minSamples: 20, window: '2s', open: '300ms', openMax: '1s' },

    async handle({ orderId, address, sheets }, ctx) {
      const token = ctx.completionToken()
      const answer = await postOffice.post({ orderId, address, sheets, replyUrl, token }, ctx.signal)
      if (answer.kind === 'refused') return failed(answer.reason)
      if (answer.kind === 'later') return pending({ token, deadline: '2s' })
      return { trackingNumber: answer.trackingNumber }
    },

    // Asked before any second attempt: the post office would print whatever is posted twice.
    reconciliation: { attempts: 30, backoff: { type: 'exponential', delay: '200ms', max: '1s' } },
    async reconcile({ orderId }, ctx) {
      const order = await postOffice.lookUp(orderId, ctx.signal)
      if (order?.status === 'issued') return applied({ trackingNumber: order.trackingNumber })
      if (order?.status === 'received') return stillUnknown('it is being printed')
      return notApplied()
    },

    // Refused letters are refunded, and so are those that cannot be issued however often it is tried.
    compensation: { onDead: true, attempts: 30, backoff: { type: 'exponential', delay: '200ms', max: '1s' } },
    async compensate({ orderId }, _failure, ctx) {
      await postOffice.refund(orderId, ctx.signal)
    },

    callback: (letter) => letter.callbackUrl,
  })
}
