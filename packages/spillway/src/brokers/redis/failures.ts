// What went wrong, in Spillway's words. Credentials are kept out of them whatever the client says.

import { SpillwayError } from '../../errors/index.js'

const MESSAGE_LENGTH_MAX = 300
const CREDENTIALS = /(:\/\/)[^/\s]*@/g

export function unavailable(what: string, cause?: unknown): SpillwayError {
  const reason = cause === undefined ? '' : `: ${reasonOf(cause)}`
  return new SpillwayError('broker_unavailable', `redis: ${what}${reason}`)
}

export function incompatible(what: string): SpillwayError {
  return new SpillwayError('broker_incompatible', `redis: ${what}`)
}

export function closed(): SpillwayError {
  return new SpillwayError('closed', 'redis: the broker was closed and takes nothing more.')
}

export function notOpened(queue: string): SpillwayError {
  return new SpillwayError(
    'invalid_argument',
    `redis: queue ${queue} is not one of those the broker was opened with.`,
    { details: { queue } },
  )
}

export function tooLarge(bytes: number, bytesMax: number): SpillwayError {
  return new SpillwayError(
    'payload_too_large',
    `redis: a message of ${bytes} bytes, at most ${bytesMax}: send less at once.`,
    { details: { bytes, bytesMax } },
  )
}

/** The first word of an error of the server: `READONLY`, `NOGROUP`, `OOM`. */
export function replyCode(error: unknown): string | null {
  if (!(error instanceof Error) || error.name !== 'ReplyError') return null
  return /^[A-Z]+/.exec(error.message)?.[0] ?? null
}

/** Some errors of the server show what it was given. */
const SHOWN_ARGUMENTS = /,? with args beginning with.*/s

function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.replace(SHOWN_ARGUMENTS, '').replace(CREDENTIALS, '$1***@').slice(0, MESSAGE_LENGTH_MAX)
}
