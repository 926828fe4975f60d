// The request headers that steer a submit: Idempotency-Key (draft-ietf-httpapi-idempotency-key-header) and Prefer (RFC 7240).

import type { IncomingMessage } from 'node:http'
import { KEY_LENGTH_MAX } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'

const PRINTABLE = /^[\x20-\x7e]+$/
/** A quoted string of RFC 8941: backslash escapes only itself and the quote. */
const QUOTED = /^"((?:[^"\\]|\\["\\])*)"$/

const HEADER = 'idempotency-key'

/** The key, quoted or bare; undefined when there is none. Throws `invalid_key`. */
export function idempotencyKey(
  request: Pick<IncomingMessage, 'headers' | 'headersDistinct'>,
): string | undefined {
  const header = request.headers[HEADER]
  if (header === undefined) return undefined
  // Node joins repeated headers with a comma, which may also stand in a key.
  const isRepeated = header.includes(',') && (request.headersDistinct[HEADER]?.length ?? 0) > 1
  if (isRepeated) throw invalidKey('The Idempotency-Key header was sent more than once.')
  return keyOf(String(header))
}

function keyOf(header: string): string {
  const quoted = QUOTED.exec(header)
  if (header.startsWith('"') && quoted === null)
    throw invalidKey('The Idempotency-Key header starts with a quote that does not end it.')
  const key = quoted === null ? header : (quoted[1] as string).replaceAll(/\\(["\\])/g, '$1')
  if (key.length === 0 || key.length > KEY_LENGTH_MAX || !PRINTABLE.test(key)) {
    throw invalidKey(
      `The Idempotency-Key header must have 1 to ${KEY_LENGTH_MAX} printable ASCII characters.`,
    )
  }
  return key
}

function invalidKey(message: string): SpillwayError {
  return new SpillwayError('invalid_key', message, {
    details: { header: 'Idempotency-Key', lengthMax: KEY_LENGTH_MAX },
  })
}

const WAIT = /(?:^|[,;])\s*wait\s*=\s*"?(\d{1,9})"?\s*(?=[,;]|$)/i

/** Seconds of the `wait` preference, at most `secondsMax`; null when it is not stated. Other preferences are ignored, as the RFC wants. */
export function preferredWait(header: string | readonly string[], secondsMax: number): number | null {
  const match = WAIT.exec(typeof header === 'string' ? header : header.join(','))
  return match === null ? null : Math.min(Number(match[1]), secondsMax)
}
