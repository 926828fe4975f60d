// A circuit breaker as the text of a shared value.

import { type Breaker, type BreakerPolicy, RESERVED_PREFIX } from '../../domain/index.js'
import type { SharedChange } from '../shared-change.js'

export function breakerKeyOf(type: string): string {
  return `${RESERVED_PREFIX}breaker/${type}`
}

/** Null when there is none, or none that this version understands: closed. */
export function parseBreaker(text: string | null): Breaker | null {
  if (text === null) return null
  try {
    const breaker = JSON.parse(text) as Partial<Breaker> | null
    if (breaker?.state === 'closed') return Array.isArray(breaker.slices) ? (breaker as Breaker) : null
    return breaker?.state === 'open' && Array.isArray(breaker.probing) ? (breaker as Breaker) : null
  } catch {
    return null
  }
}

/** A closed one matters for its window; an open one that nobody has tried for as long as it may last is closed again. */
export function breakerChange(breaker: Breaker, policy: BreakerPolicy): SharedChange {
  const ttlMs = breaker.state === 'closed' ? policy.windowMs : 2 * policy.openMaxMs
  return { value: JSON.stringify(breaker), ttlMs: ttlMs + policy.windowMs }
}
