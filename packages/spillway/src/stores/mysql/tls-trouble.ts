// Why there is no encrypted connection: what Node and the driver say of that, in Spillway's words.

import { certificateFault, certificateWords, handshakeWords } from '../../errors/index.js'
import type { Trouble } from './trouble.js'

export const TLS_REQUIRED: Trouble = {
  reason: 'tls_required',
  message:
    'takes encrypted connections only. Ask for TLS: ?ssl=true in the URL, or connection: { ssl: { ca } }.',
}
const UNAVAILABLE: Trouble = {
  reason: 'tls_unavailable',
  message:
    'takes no encrypted connections, and one is asked for. Give the server a certificate, or leave ssl away in a network that can be trusted.',
}

const ADVICE = {
  authority: 'Name its authority: connection: { ssl: { ca } }, with the text of its ca.pem.',
  name: 'Connect by a name that it is made out to, or go without that check: connection: { ssl: { ca, verifyIdentity: false } }.',
} as const

/** The driver's, and those of Node and OpenSSL, which look at settings only when a handshake begins. */
const FAILED_CODE = /^(HANDSHAKE_SSL_ERROR$|EPROTO$|ERR_(SSL|OSSL|TLS|INVALID_ARG)_)/

/** Null = TLS is not what is wrong. */
export function tlsTroubleOf(error: Error & { readonly code?: string }): Trouble | null {
  const fault = certificateFault(error)
  if (fault !== null) return { reason: 'certificate', message: certificateWords(fault, ADVICE) }
  if (error.code === 'HANDSHAKE_NO_SSL_SUPPORT') return UNAVAILABLE
  if (!FAILED_CODE.test(error.code ?? '')) return null
  return { reason: 'tls', message: `could not agree on TLS with this process: ${handshakeWords(error)}.` }
}
