// What one attempt to deliver a callback came to, as data: a ledger keeps it, classifyDelivery judges it. An answer is an answer
// as soon as its status has arrived. A body that is too long, too slow or broken off is cut, and changes nothing about that:
// sending again to a receiver that said 200 would only repeat what it has already taken.

export const DELIVERY_FAULTS = {
  blocked: 'The address guard does not let this url be called.',
  dns: 'The name of the host could not be resolved.',
  connect: 'No connection to the host could be made.',
  tls: 'The TLS handshake failed, or the certificate is not one to trust.',
  timeout: 'No answer came in time.',
  reset: 'The connection ended before the answer.',
  too_large: 'The headers of the answer are larger than accepted.',
  protocol: 'The answer is not HTTP.',
  aborted: 'The delivery was called off on this side.',
} as const

export type DeliveryFaultCode = keyof typeof DELIVERY_FAULTS

export interface DeliveryAnswer {
  readonly kind: 'answer'
  readonly status: number
  readonly durationMs: number
  /** The beginning of the body as one line of printable text, at most 1 KiB of its bytes. */
  readonly snippet: string
  /** Why the body was not read to its end; null when it was. */
  readonly cut: 'size' | 'time' | 'broken' | null
  /** What a Retry-After header asks for, at most RETRY_AFTER_MS_MAX; null without one. */
  readonly retryAfterMs: number | null
}

export interface DeliveryFault {
  readonly kind: 'fault'
  readonly code: DeliveryFaultCode
  /** For people; names neither addresses nor anything of the url but its host. */
  readonly message: string
  readonly durationMs: number
}

export type DeliveryResult = DeliveryAnswer | DeliveryFault
