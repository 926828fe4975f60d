// The Retry-After header (RFC 9110, section 10.2.3): seconds, or a date. It comes from a stranger, so it is bounded; what is
// neither of both is no wish at all.

import { RETRY_AFTER_MS_MAX } from './limits.js'

const SECONDS = /^\d{1,10}$/
/** The preferred form of a date in HTTP: Date.parse alone takes nearly everything. */
const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/

/** ms from `now` on, 0 for a date that has passed; null when there is no such header or it makes no sense. */
export function retryAfterMs(header: string | readonly string[] | undefined, now: number): number | null {
  if (typeof header !== 'string') return null
  const ms = wantedMs(header.trim(), now)
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), RETRY_AFTER_MS_MAX) : null
}

function wantedMs(text: string, now: number): number {
  if (SECONDS.test(text)) return Number(text) * 1_000
  return HTTP_DATE.test(text) ? Date.parse(text) - now : Number.NaN
}
