// The receiver's side of a callback: is it from the holder of the secret, unchanged, and recent? By Standard Webhooks 1.0
// ("Verifying signatures"), with the raw bytes of the body, because JSON that was parsed and written again has other bytes.

import { type KeyObject, timingSafeEqual } from 'node:crypto'
import { SpillwayError } from '../errors/index.js'
import { SIGNATURE_HEADER_MAX } from './limits.js'
import { ID_HEADER, isCallbackId, SCHEME, SIGNATURE_HEADER, signature, TIMESTAMP_HEADER } from './signing.js'
import { signingKeys } from './signing-key.js'

const TOLERANCE_S = 300
/** Seconds since the epoch. Longer numbers are no time, and `Number` would take other notations too. */
const TIMESTAMP = /^\d{1,12}$/

/** Headers as `node:http`, fastify and express have them, or as `fetch` does. */
export type CallbackHeaders =
  | Readonly<Record<string, string | readonly string[] | undefined>>
  | { get(name: string): string | null }

/** Why a callback was not accepted: `details.reason` of the error. */
export type RejectedBecause = 'missing_header' | 'malformed_header' | 'too_old' | 'too_new' | 'no_match'

export interface VerifyOptions {
  /** ms since the epoch: `Date.now()`. */
  readonly now: number
  /** How far the callback's time may be from `now`, in seconds. Default 300. */
  readonly toleranceS?: number
}

export interface VerifiedCallback {
  /** The same for every attempt of one callback, and for a replay: who remembers it for `toleranceS` handles it once. */
  readonly id: string
  /** When this attempt was signed, ms since the epoch. */
  readonly attemptedAt: number
}

/**
 * Verifies a callback. `secrets` are all that are valid now, several during a rotation. Throws `invalid_signature` with
 * `details.reason`, or `invalid_argument` when a secret is malformed.
 */
export function verifyCallback(
  headers: CallbackHeaders,
  rawBody: string | Uint8Array,
  secrets: readonly string[],
  options: VerifyOptions,
): VerifiedCallback {
  const keys = signingKeys(secrets, 'invalid_argument')
  const id = requiredHeader(headers, ID_HEADER)
  const timestamp = requiredHeader(headers, TIMESTAMP_HEADER)
  const signatures = requiredHeader(headers, SIGNATURE_HEADER)
  if (!isCallbackId(id)) throw malformed(ID_HEADER)
  if (!TIMESTAMP.test(timestamp)) throw malformed(TIMESTAMP_HEADER)
  if (signatures.length > SIGNATURE_HEADER_MAX) throw malformed(SIGNATURE_HEADER)
  checkTime(Number(timestamp), options)
  if (!anyMatches(keys, offeredSignatures(signatures), id, timestamp, rawBody)) {
    throw rejected('no_match', 'no signature matches: the secret is another one, or the body was changed')
  }
  return { id, attemptedAt: Number(timestamp) * 1_000 }
}

function requiredHeader(headers: CallbackHeaders, name: string): string {
  const value = readHeader(headers, name)
  if (value === undefined) throw rejected('missing_header', `the header ${name} is missing`)
  if (typeof value !== 'string') throw malformed(name)
  return value
}

function readHeader(headers: CallbackHeaders, name: string): string | readonly string[] | undefined {
  if (isHeaderList(headers)) return headers.get(name) ?? undefined
  const key = Object.keys(headers).find((each) => each.toLowerCase() === name)
  return key === undefined ? undefined : headers[key]
}

function isHeaderList(headers: CallbackHeaders): headers is { get(name: string): string | null } {
  return typeof headers.get === 'function'
}

function checkTime(timestampS: number, { now, toleranceS = TOLERANCE_S }: VerifyOptions): void {
  const ageS = Math.floor(now / 1_000) - timestampS
  if (ageS > toleranceS) throw rejected('too_old', `signed ${ageS} s ago, at most ${toleranceS} are accepted`)
  if (ageS < -toleranceS) {
    throw rejected('too_new', `signed ${-ageS} s in the future, at most ${toleranceS} are accepted`)
  }
}

/** The base64 texts of our scheme; signatures of other schemes are not ours to judge. */
function offeredSignatures(header: string): Buffer[] {
  return header
    .split(' ')
    .filter((each) => each.startsWith(`${SCHEME},`))
    .map((each) => Buffer.from(each.slice(SCHEME.length + 1)))
}

/** Compares every pair to the end and as base64 text: how long it takes, or a different spelling of the same bytes, tells nothing. */
function anyMatches(
  keys: readonly KeyObject[],
  offered: readonly Buffer[],
  id: string,
  timestamp: string,
  rawBody: string | Uint8Array,
): boolean {
  let matches = false
  for (const key of keys) {
    const expected = Buffer.from(signature(key, id, timestamp, rawBody).toString('base64'))
    for (const each of offered) {
      if (each.length === expected.length && timingSafeEqual(each, expected)) matches = true
    }
  }
  return matches
}

function malformed(name: string): SpillwayError {
  return rejected('malformed_header', `the header ${name} is not as Standard Webhooks 1.0 writes it`)
}

function rejected(reason: RejectedBecause, message: string): SpillwayError {
  return new SpillwayError('invalid_signature', `callback rejected: ${message}`, { details: { reason } })
}
