// Secrets as Standard Webhooks 1.0 writes them: `whsec_` and the base64 of 24 to 64 random bytes. They become key objects at
// once, which do not show their bytes when something prints them; no message here repeats what was given.

import { createSecretKey, type KeyObject } from 'node:crypto'
import { type ErrorCode, SpillwayError } from '../errors/index.js'
import { SECRETS_MAX } from './limits.js'

const PREFIX = 'whsec_'
const KEY_BYTES_MIN = 24
const KEY_BYTES_MAX = 64
const EXPECTED = `"${PREFIX}" followed by the base64 of ${KEY_BYTES_MIN} to ${KEY_BYTES_MAX} random bytes`

/** The keys of `secrets`, in their order. Throws `code` when there is none, when there are too many, or when one is malformed. */
export function signingKeys(secrets: readonly string[], code: ErrorCode): readonly KeyObject[] {
  if (secrets.length === 0 || secrets.length > SECRETS_MAX) {
    const message = `callback secrets: expected 1 to ${SECRETS_MAX}, received ${secrets.length}`
    throw new SpillwayError(code, message, { details: { received: secrets.length } })
  }
  return secrets.map((secret, index) => signingKey(secret, index, code))
}

function signingKey(secret: string, index: number, code: ErrorCode): KeyObject {
  const fault = faultOf(secret)
  if (fault === null) return createSecretKey(Buffer.from(secret.slice(PREFIX.length), 'base64'))
  const message = `callback secret ${index + 1}: expected ${EXPECTED}, but ${fault}`
  throw new SpillwayError(code, message, { details: { index } })
}

function faultOf(secret: unknown): string | null {
  if (typeof secret !== 'string') return 'it is not a text'
  if (!secret.startsWith(PREFIX)) return `it does not begin with "${PREFIX}"`
  const encoded = secret.slice(PREFIX.length)
  const bytes = Buffer.from(encoded, 'base64')
  // Node skips characters it does not know, so a typing error would silently become another key.
  if (withoutPadding(bytes.toString('base64')) !== withoutPadding(encoded)) return 'the rest is not base64'
  const fits = bytes.length >= KEY_BYTES_MIN && bytes.length <= KEY_BYTES_MAX
  return fits ? null : `it has ${bytes.length} bytes`
}

function withoutPadding(base64: string): string {
  return base64.replace(/={1,2}$/, '')
}
