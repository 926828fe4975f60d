// What goes wrong with any broker, in Spillway's words. Credentials are kept out of them whatever a client says.

import { isSpillwayError, SpillwayError } from '../../errors/index.js'
import { tlsFailure } from './tls-failure.js'

export interface FailureWords {
  /** What to do about a message that is too large. */
  readonly smaller: string
  /** The option that names an authority for the server's certificate. */
  readonly authority: string
  /** What a client's error says; its message by default. */
  readonly textOf?: (cause: unknown) => string
}

export interface Failures {
  unavailable(what: string, cause?: unknown): SpillwayError
  incompatible(what: string): SpillwayError
  closed(): SpillwayError
  notOpened(queue: string): SpillwayError
  tooLarge(bytes: number, bytesMax: number): SpillwayError
  /** What the server does not answer, or answers with an error, is that it cannot be had now. */
  asked<Answer>(ask: () => Promise<Answer>): Promise<Answer>
}

const REASON_LENGTH_MAX = 300
const CREDENTIALS = /(:\/\/)[^/\s]*@/g

export function failuresOf(
  broker: string,
  { smaller, authority, textOf = messageOf }: FailureWords,
): Failures {
  function unavailable(what: string, cause?: unknown): SpillwayError {
    const reason = cause === undefined ? '' : `: ${reasonOf(textOf(cause))}`
    return (
      tlsFailure(broker, authority, cause) ??
      new SpillwayError('broker_unavailable', `${broker}: ${what}${reason}`)
    )
  }
  return {
    unavailable,
    incompatible: (what) => new SpillwayError('broker_incompatible', `${broker}: ${what}`),
    closed: () => new SpillwayError('closed', `${broker}: the broker was closed and takes nothing more.`),
    notOpened: (queue) =>
      new SpillwayError(
        'invalid_argument',
        `${broker}: queue ${queue} is not one of those the broker was opened with.`,
        { details: { queue } },
      ),
    tooLarge: (bytes, bytesMax) =>
      new SpillwayError(
        'payload_too_large',
        `${broker}: a message of ${bytes} bytes, at most ${bytesMax}: ${smaller}.`,
        { details: { bytes, bytesMax } },
      ),
    async asked(ask) {
      try {
        return await ask()
      } catch (error) {
        if (isSpillwayError(error)) throw error
        throw unavailable('the server did not do what it was asked', error)
      }
    },
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function reasonOf(text: string): string {
  return text.replace(CREDENTIALS, '$1***@').slice(0, REASON_LENGTH_MAX)
}
