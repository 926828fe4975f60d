// Signing a callback, by Standard Webhooks 1.0 (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md,
// "Signature scheme" and "Webhook headers"): HMAC-SHA256 over `{id}.{timestamp}.{body}`. Every key signs every callback, so
// that a receiver which knows only the old or only the new key of a rotation verifies it either way.

import { createHmac, type KeyObject } from 'node:crypto'
import { SpillwayError } from '../errors/index.js'
import { ID_LENGTH_MAX } from './limits.js'

export const ID_HEADER = 'webhook-id'
export const TIMESTAMP_HEADER = 'webhook-timestamp'
export const SIGNATURE_HEADER = 'webhook-signature'
/** HMAC-SHA256 with a shared key. */
export const SCHEME = 'v1'

/** Visible ASCII without the full stop: that one separates what is signed, and an id with one could shift the border. */
const ID = new RegExp(`^[!-\\-/-~]{1,${ID_LENGTH_MAX}}$`)

export interface SignedHeaders {
  readonly [ID_HEADER]: string
  readonly [TIMESTAMP_HEADER]: string
  readonly [SIGNATURE_HEADER]: string
}

/**
 * The three headers of one attempt. `keys` newest first; `attemptedAt` in ms since the epoch, sent in seconds.
 * Throws `invalid_argument` when the id could not be a header or could be read in two ways.
 */
export function signedHeaders(
  id: string,
  attemptedAt: number,
  body: string,
  keys: readonly KeyObject[],
): SignedHeaders {
  if (!isCallbackId(id)) {
    const message = `a callback's id: expected 1 to ${ID_LENGTH_MAX} visible ASCII characters without "."`
    throw new SpillwayError('invalid_argument', message)
  }
  const timestamp = String(Math.floor(attemptedAt / 1_000))
  return {
    [ID_HEADER]: id,
    [TIMESTAMP_HEADER]: timestamp,
    [SIGNATURE_HEADER]: keys
      .map((key) => `${SCHEME},${signature(key, id, timestamp, body).toString('base64')}`)
      .join(' '),
  }
}

export function isCallbackId(id: string): boolean {
  return ID.test(id)
}

/** 32 bytes. */
export function signature(key: KeyObject, id: string, timestamp: string, body: string | Uint8Array): Buffer {
  return createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest()
}
