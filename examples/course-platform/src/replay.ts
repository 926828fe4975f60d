// Concurrent callers: each sends one click, waits for its answer and takes the next, as request handlers do.

import type { Click } from './clicks.js'
import { type AckTimes, ackTimes } from './latencies.js'

/** One click of so many is sent again under the same id, as after a lost answer. */
const RETRY_EVERY = 100

export interface Replay {
  /** Clicks sent: the first so many, in their order. */
  readonly sent: number
  readonly accepted: number
  readonly duplicates: number
  readonly seconds: number
  readonly ack: AckTimes
}

export type Answer = 'accepted' | 'duplicate'

export interface ReplayOptions {
  readonly callers: number
  /** Callers take no further click after this long; default: all clicks are sent. */
  readonly forMs?: number
  readonly onAck?: () => void
}

export async function replay(
  clicks: readonly Click[],
  options: ReplayOptions,
  send: (click: Click) => Promise<Answer>,
): Promise<Replay> {
  const { callers, forMs = Number.POSITIVE_INFINITY, onAck } = options
  const durationsMs = new Float64Array(clicks.length)
  const startedAt = performance.now()
  let next = 0
  let duplicates = 0
  const caller = async () => {
    let sentAt = performance.now()
    while (next < clicks.length && sentAt - startedAt < forMs) {
      const index = next++
      const answer = await send(clicks[index] as Click)
      const answeredAt = performance.now()
      durationsMs[index] = answeredAt - sentAt
      sentAt = answeredAt
      if (answer === 'duplicate') duplicates += 1
      onAck?.()
    }
  }
  await Promise.all(Array.from({ length: Math.min(callers, clicks.length) }, caller))
  return {
    sent: next,
    accepted: next - duplicates,
    duplicates,
    seconds: (performance.now() - startedAt) / 1_000,
    ack: ackTimes(durationsMs.subarray(0, next)),
  }
}

/** Every hundredth click: the ones whose answer got lost. */
export function retriesOf(clicks: readonly Click[]): Click[] {
  return clicks.filter((_, index) => index % RETRY_EVERY === 0)
}

/** The clicks, and right behind every hundredth one the same click again, while the first is still on its way. */
export function withRetries(clicks: readonly Click[]): Click[] {
  return clicks.flatMap((click, index) => (index % RETRY_EVERY === 0 ? [click, click] : [click]))
}
