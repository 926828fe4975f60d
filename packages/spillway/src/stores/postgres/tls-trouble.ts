// Why there is no encrypted connection, or none without encryption: what Node, the driver and the server say of that, in Spillway's words.

import { certificateFault, certificateWords, handshakeWords } from '../../errors/index.js'
import type { Trouble } from './trouble.js'

const UNAVAILABLE: Trouble = {
  reason: 'tls_unavailable',
  message:
    'takes no encrypted connections, and one is asked for. Set ssl to on at the server, or sslmode=disable in the url of a network that can be trusted.',
}
const REQUIRED: Trouble = {
  reason: 'tls_required',
  message:
    'does not let this connection in without encryption. Ask for TLS by sslmode=verify-full in the url, or let the user and the host in by pg_hba.conf.',
}

const ADVICE = {
  authority: 'Name its authority: sslrootcert=/path/ca.pem in the url, or connection: { ssl: { ca } }.',
} as const

/** The driver has no codes for what it finds itself. */
const UNAVAILABLE_MESSAGE = /^The server does not support SSL connections/
const FAILED_MESSAGE = /^There was an error establishing an SSL connection/
/** PostgreSQL's own, from 14 and before, and those of poolers and of those who offer it as a service. */
const REQUIRED_MESSAGE =
  /, (no encryption|SSL off)$|\bSSL (connection is )?required\b|connection is insecure/i
/** Of OpenSSL, and of Node's part in TLS. */
const TLS_CODE = /^(ERR_(SSL|OSSL|TLS)_|EPROTO$)/

/** Null = TLS is not what is wrong. `ofServer`: the server said it, not the driver or Node. */
export function tlsTroubleOf(error: unknown, ofServer: boolean): Trouble | null {
  if (!(error instanceof Error)) return null
  const fault = certificateFault(error)
  if (fault !== null) return { reason: 'certificate', message: certificateWords(fault, ADVICE) }
  if (ofServer) return REQUIRED_MESSAGE.test(error.message) ? REQUIRED : null
  if (UNAVAILABLE_MESSAGE.test(error.message)) return UNAVAILABLE
  if (isUnreadableFile(error)) {
    return { reason: 'tls', message: `cannot be asked over TLS: a file of the url, ${error.message}.` }
  }
  const failed = FAILED_MESSAGE.test(error.message) || TLS_CODE.test(codeOf(error))
  return failed
    ? { reason: 'tls', message: `could not agree on TLS with this process: ${handshakeWords(error)}.` }
    : null
}

/** The driver reads the files of sslrootcert, sslcert and sslkey for each connection. */
function isUnreadableFile(error: Error): boolean {
  return 'path' in error && 'syscall' in error && ['open', 'read'].includes(String(error.syscall))
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : ''
}
