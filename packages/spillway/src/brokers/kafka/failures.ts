// What went wrong, in Spillway's words. The client wraps errors in errors; the first of them says what it was.

import { SpillwayError } from '../../errors/index.js'

const CAUSES_MAX = 10
const MESSAGE_LENGTH_MAX = 300

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

export function unavailable(what: string, cause?: unknown): SpillwayError {
  const reason = cause === undefined ? '' : `: ${reasonOf(cause)}`
  return new SpillwayError('broker_unavailable', `kafka: ${what}${reason}`)
}

export function incompatible(what: string): SpillwayError {
  return new SpillwayError('broker_incompatible', `kafka: ${what}`)
}

export function closed(): SpillwayError {
  return new SpillwayError('closed', 'kafka: the broker was closed and takes nothing more.')
}

export function notOpened(queue: string): SpillwayError {
  return new SpillwayError(
    'invalid_argument',
    `kafka: queue ${queue} is not one of those the broker was opened with.`,
    { details: { queue } },
  )
}

export function tooLarge(bytes: number, bytesMax: number): SpillwayError {
  return new SpillwayError(
    'payload_too_large',
    `kafka: a message of ${bytes} bytes, at most ${bytesMax}: raise max.message.bytes of the topic, or send less.`,
    { details: { bytes, bytesMax } },
  )
}

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

function reasonOf(error: unknown): string {
  const first = firstOf(error)
  return (first instanceof Error ? first.message : String(first)).slice(0, MESSAGE_LENGTH_MAX)
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
