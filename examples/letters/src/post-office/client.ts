// The post office as the application calls it.

import type { Order, Posting } from './wire.js'

export type PostingAnswer =
  | { readonly kind: 'issued'; readonly trackingNumber: string }
  | { readonly kind: 'later' }
  | { readonly kind: 'refused'; readonly reason: string }

export interface PostOffice {
  post(posting: Posting, signal: AbortSignal): Promise<PostingAnswer>
  /** Null when it knows nothing of the order. */
  lookUp(orderId: string, signal: AbortSignal): Promise<Order | null>
  /** May be asked for any number of times. */
  refund(orderId: string, signal: AbortSignal): Promise<void>
}

export function postOffice(url: string): PostOffice {
  const call = (path: string, init: RequestInit) => fetch(`${url}/orders/${path}`, init)
  return {
    async post(posting, signal) {
      const body = JSON.stringify(posting)
      const response = await call(posting.orderId, { method: 'POST', body, signal })
      const answer = await answerOf(response, [200, 202, 409])
      switch (response.status) {
        case 200:
          return { kind: 'issued', trackingNumber: String(answer.trackingNumber) }
        case 202:
          return { kind: 'later' }
        default:
          return { kind: 'refused', reason: String(answer.reason) }
      }
    },
    async lookUp(orderId, signal) {
      const response = await call(orderId, { signal })
      const answer = await answerOf(response, [200, 404])
      return response.status === 404 ? null : (answer as unknown as Order)
    },
    async refund(orderId, signal) {
      await answerOf(await call(`${orderId}/refund`, { method: 'PUT', signal }), [200])
    },
  }
}

/** The body; any other status than these is trouble on their side, which passes. */
async function answerOf(response: Response, expected: readonly number[]): Promise<Record<string, unknown>> {
  const text = await response.text()
  if (expected.includes(response.status)) return JSON.parse(text) as Record<string, unknown>
  throw Object.assign(new Error(`the post office answered ${response.status}`), { fault: 'transient' })
}
