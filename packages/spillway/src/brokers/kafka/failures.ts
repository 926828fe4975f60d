// What went wrong, in Spillway's words. The client wraps errors in errors; the first of them says what it was.

import type { SpillwayError } from '../../errors/index.js'
import { failuresOf, messageOf } from '../driver/index.js'

const CAUSES_MAX = 10

/** What the cluster answers to a message that it will never take. */
const NEVER: ReadonlySet<string> = new Set([
  'INVALID_RECORD',
  'INVALID_TIMESTAMP',
  'INVALID_TOPIC_EXCEPTION',
  'POLICY_VIOLATION',
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
])
const TOO_LARGE: ReadonlySet<string> = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'])

export const { unavailable, incompatible, closed, notOpened, tooLarge } = failuresOf('kafka', {
  smaller: 'raise max.message.bytes of the topic, or send less',
  authority: 'tls: { ca }',
  textOf: (cause) => messageOf(firstOf(cause)),
})

/** Answers that say that a message was not kept, and may be soon: a partition is being made, or moves. */
const NOT_YET: ReadonlySet<string> = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'NOT_ENOUGH_REPLICAS',
])

export function isNotYet(error: unknown): boolean {
  return NOT_YET.has(typeOf(error))
}

/** Why the cluster will never take a message, or null when it may yet. */
export function refusalOf(error: unknown, bytes: number, bytesMax: number): SpillwayError | null {
  const type = typeOf(error)
  if (TOO_LARGE.has(type)) return tooLarge(bytes, bytesMax)
  return NEVER.has(type) ? incompatible(`the cluster refused the message: ${type}`) : null
}

/** As the protocol calls it, or an empty text. */
function typeOf(error: unknown): string {
  const { type } = firstOf(error) as { type?: unknown }
  return typeof type === 'string' ? type : ''
}

function firstOf(error: unknown): unknown {
  let first = error
  for (let depth = 0; depth < CAUSES_MAX; depth += 1) {
    const inner: unknown = first instanceof Error ? (first.cause ?? firstListed(first)) : undefined
    if (inner === undefined || inner === null) break
    first = inner
  }
  return first ?? 'no reason given'
}

function firstListed(error: Error): unknown {
  return 'errors' in error && Array.isArray(error.errors) ? error.errors[0] : undefined
}
