import { describe, expect, it } from 'vitest'
import { certificateFault, certificateWords, handshakeWords, isCertificateError } from './index.js'

function coded(code: string, cause?: unknown): Error {
  return Object.assign(new Error('as the driver says', { cause }), { code })
}

describe('certificateFault', () => {
  it.each([
    ['SELF_SIGNED_CERT_IN_CHAIN', 'authority'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'authority'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'authority'],
    ['UNABLE_TO_GET_ISSUER_CERT', 'authority'],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'authority'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'name'],
    ['CERT_HAS_EXPIRED', 'time'],
    ['CERT_NOT_YET_VALID', 'time'],
    ['CERT_REVOKED', 'invalid'],
  ])('of %s is %s', (code, fault) => {
    expect(certificateFault(coded(code))).toBe(fault)
    expect(isCertificateError(coded(code))).toBe(true)
  })

  it('is found among the causes', () => {
    const wrapped = new Error('no connection', { cause: coded('HANDSHAKE', coded('CERT_HAS_EXPIRED')) })
    expect(certificateFault(wrapped)).toBe('time')
  })

  it('is none of errors about something else, or of what is no error', () => {
    const circle = coded('ECONNRESET')
    circle.cause = circle
    for (const other of [coded('ECONNREFUSED'), circle, new Error('x'), 'CERT_HAS_EXPIRED', null]) {
      expect(certificateFault(other)).toBeNull()
      expect(isCertificateError(other)).toBe(false)
    }
  })
})

describe('certificateWords', () => {
  it('give the advice of whoever connects before the common one', () => {
    expect(certificateWords('authority', { authority: 'Set `ca`.' })).toBe(
      'shows a certificate that no authority trusted here has signed. Set `ca`.',
    )
    expect(certificateWords('time', { authority: 'Set `ca`.' })).toBe(
      'shows a certificate that has expired or is not valid yet. Renew it, or correct the clock.',
    )
  })
})

describe('handshakeWords', () => {
  it.each([
    [
      'write EPROTO 80DC0833B47F0000:error:0A000410:SSL routines:ssl3_read_bytes:sslv3 alert handshake failure:../ssl/rec.c:1601:SSL alert number 40\n',
      'sslv3 alert handshake failure',
    ],
    [
      'There was an error establishing an SSL connection',
      'There was an error establishing an SSL connection',
    ],
  ])('are those of %s', (message, words) => {
    expect(handshakeWords(new Error(message))).toBe(words)
  })
})
