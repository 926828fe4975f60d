// Digest of a payload, to tell a repeated command from a second, different one under the same idempotency key.

import { hash } from 'node:crypto'

/** 22 characters, the first 132 bits of SHA-256 in base64url: collisions by accident are out of reach. */
export function fingerprint(json: string): string {
  return hash('sha256', json, 'base64url' as 'base64').slice(0, 22)
}

/** What stands for an ordering key in a row: keys may be long and secret, and only their equality counts. */
export function orderingKeyHash(key: string): string {
  return fingerprint(key)
}

/** What stands for a completion token in a row: whoever reads the database must not be able to complete anything. */
export function completionTokenHash(token: string): string {
  return hash('sha256', token, 'hex')
}
