// What went wrong, in Spillway's words. The client's errors name servers and subjects; credentials are kept out of them all the same.

import { JetStreamApiError } from '@nats-io/jetstream'
import { SpillwayError } from '../../errors/index.js'

const MESSAGE_LENGTH_MAX = 300
const CREDENTIALS = /(:\/\/)[^/\s]*@/g

export function unavailable(what: string, cause?: unknown): SpillwayError {
  const reason = cause === undefined ? '' : `: ${reasonOf(cause)}`
  return new SpillwayError('broker_unavailable', `nats: ${what}${reason}`)
}

export function incompatible(what: string): SpillwayError {
  return new SpillwayError('broker_incompatible', `nats: ${what}`)
}

export function closed(): SpillwayError {
  return new SpillwayError('closed', 'nats: the broker was closed and takes nothing more.')
}

export function notOpened(queue: string): SpillwayError {
  return new SpillwayError(
    'invalid_argument',
    `nats: queue ${queue} is not one of those the broker was opened with.`,
    { details: { queue } },
  )
}

export function tooLarge(bytes: number, bytesMax: number): SpillwayError {
  return new SpillwayError(
    'payload_too_large',
    `nats: a message of ${bytes} bytes, at most ${bytesMax}: raise max_payload of the server, or send less.`,
    { details: { bytes, bytesMax } },
  )
}

/** As the API of JetStream numbers it, or null. */
export function apiCode(error: unknown): number | null {
  return error instanceof JetStreamApiError ? error.code : null
}

export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.replace(CREDENTIALS, '$1***@').slice(0, MESSAGE_LENGTH_MAX)
}
