// Servers whose certificate is not accepted. Node and its TLS report that under codes of their own, which every driver passes on, some
// of them as the cause of an error of theirs; stores and brokers have to say the same of them.

import { causesOf } from './causes.js'

/**
 * What is wrong with the certificate: `authority` = none that is trusted here vouches for it; `name` = it is of another host; `time` =
 * it has expired, or is not valid yet; `invalid` = it is revoked, broken or not meant for servers.
 */
type CertificateFault = 'authority' | 'name' | 'time' | 'invalid'

/** https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const FAULTS: ReadonlyMap<string, CertificateFault> = new Map<string, CertificateFault>([
  ...each('authority', [
    ...['SELF_SIGNED_CERT_IN_CHAIN', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ...['UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'CERT_UNTRUSTED'],
  ]),
  ...each('name', ['ERR_TLS_CERT_ALTNAME_INVALID', 'ERR_TLS_CERT_ALTNAME_FORMAT', 'HOSTNAME_MISMATCH']),
  ...each('time', ['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID']),
  ...each('invalid', [
    ...['CERT_SIGNATURE_FAILURE', 'CERT_REVOKED', 'CERT_REJECTED', 'CERT_CHAIN_TOO_LONG', 'INVALID_CA'],
    ...['INVALID_PURPOSE', 'PATH_LENGTH_EXCEEDED', 'UNABLE_TO_DECRYPT_CERT_SIGNATURE'],
    ...['UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY', 'ERROR_IN_CERT_NOT_BEFORE_FIELD'],
    ...['ERROR_IN_CERT_NOT_AFTER_FIELD', 'UNABLE_TO_GET_CRL', 'CRL_HAS_EXPIRED', 'CRL_NOT_YET_VALID'],
    ...['CRL_SIGNATURE_FAILURE'],
  ]),
])

/** What the error says of the server's certificate, itself or by its causes; null = it is about something else. */
export function certificateFault(error: unknown): CertificateFault | null {
  for (const link of causesOf(error)) {
    const fault = 'code' in link && typeof link.code === 'string' ? FAULTS.get(link.code) : undefined
    if (fault !== undefined) return fault
  }
  return null
}

/** Whether the server's certificate was not accepted. */
export function isCertificateError(error: unknown): boolean {
  return certificateFault(error) !== null
}

const FOUND: Readonly<Record<CertificateFault, string>> = {
  authority: 'shows a certificate that no authority trusted here has signed.',
  name: 'shows a certificate of another host.',
  time: 'shows a certificate that has expired or is not valid yet.',
  invalid: 'shows a certificate that is revoked, broken or not meant for a server.',
}

const ADVICE: Readonly<Record<CertificateFault, string>> = {
  authority: 'Name its authority.',
  name: 'Connect by a name that it is made out to.',
  time: 'Renew it, or correct the clock.',
  invalid: 'Give the server another.',
}

/** In words that go on after the name of the server. How to name an authority, say, depends on who connects. */
export function certificateWords(
  fault: CertificateFault,
  advice: Readonly<Partial<Record<CertificateFault, string>>>,
): string {
  return `${FOUND[fault]} ${advice[fault] ?? ADVICE[fault]}`
}

/** Why a handshake failed, or could not begin, without the numbers and names of files that OpenSSL puts around it. */
export function handshakeWords(error: Error): string {
  return /:\w+ routines:[^:]*:([^:]+)/.exec(error.message)?.[1] ?? error.message.trim()
}

function each(fault: CertificateFault, codes: readonly string[]): [string, CertificateFault][] {
  return codes.map((code) => [code, fault])
}
