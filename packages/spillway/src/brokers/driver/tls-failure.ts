// A server with which TLS does not come about. It runs, and to wait for it is no use: somebody has to change something. The tries to connect
// go on all the same, because that may be done on the server.

import {
  causesOf,
  certificateFault,
  certificateWords,
  handshakeWords,
  SpillwayError,
} from '../../errors/index.js'

const HANDSHAKE_CODE = /^(ERR_SSL_\w+|EPROTO)$/

/** `authority`: the driver's option that names one. Null when the cause is something else. */
export function tlsFailure(broker: string, authority: string, cause: unknown): SpillwayError | null {
  const fault = certificateFault(cause)
  if (fault !== null) {
    const words = certificateWords(fault, { authority: `Name its authority: ${authority}.` })
    return failure('certificate', `${broker}: the server ${words}`, cause)
  }
  const failed = failedHandshake(cause)
  if (failed === null) return null
  const advice = 'Check that its port takes TLS, and whether it asks for a certificate of the client.'
  return failure(
    'tls',
    `${broker}: the server does not agree on TLS: ${handshakeWords(failed)}. ${advice}`,
    cause,
  )
}

function failure(reason: 'certificate' | 'tls', message: string, cause: unknown): SpillwayError {
  return new SpillwayError('broker_unavailable', message, { details: { reason }, cause })
}

function failedHandshake(error: unknown): Error | null {
  return causesOf(error).find((link) => 'code' in link && HANDSHAKE_CODE.test(String(link.code))) ?? null
}
