import fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { type SignedHeaders, signedHeaders } from './signing.js'
import { signingKeys } from './signing-key.js'
import { type RejectedBecause, verifyCallback } from './verification.js'

const OLD = `whsec_${Buffer.alloc(24, 1).toString('base64')}`
const NEW = `whsec_${Buffer.alloc(32, 2).toString('base64')}`
const OTHER = `whsec_${Buffer.alloc(32, 3).toString('base64')}`
const NOW = 1_767_225_600_000
const BODY = '{"type":"command.failed","data":{"name":"Zoë"}}'

function signed(secrets: readonly string[] = [NEW], at = NOW): SignedHeaders {
  return signedHeaders('0197-0', at, BODY, signingKeys(secrets, 'invalid_config'))
}

function rejection(reason: RejectedBecause) {
  return expect.objectContaining({ code: 'invalid_signature', details: { reason } })
}

describe('verifyCallback', () => {
  it('says which callback it is and when it was signed', () => {
    expect(verifyCallback({ ...signed() }, BODY, [NEW], { now: NOW + 1_000 })).toEqual({
      id: '0197-0',
      attemptedAt: NOW,
    })
  })

  it('accepts what the official library signs', () => {
    const at = new Date(NOW)
    const headers = {
      'Webhook-Id': 'msg_1',
      'Webhook-Timestamp': String(NOW / 1_000),
      'Webhook-Signature': new Webhook(NEW).sign('msg_1', at, BODY),
    }
    expect(verifyCallback(headers, BODY, [NEW], { now: NOW }).id).toBe('msg_1')
  })

  it('takes headers in any case, as Node or as fetch has them, and the body as bytes', () => {
    const lower = { ...signed() }
    const upper = Object.fromEntries(
      Object.entries(lower).map(([name, value]) => [name.toUpperCase(), value]),
    )
    for (const headers of [lower, upper, new Headers(lower)]) {
      expect(verifyCallback(headers, Buffer.from(BODY), [NEW], { now: NOW }).id).toBe('0197-0')
    }
  })

  it('accepts either side of a rotation, and nobody else', () => {
    const options = { now: NOW }
    const rotating = { ...signed([NEW, OLD]) }
    for (const secrets of [[NEW], [OLD], [OTHER, OLD]]) {
      expect(verifyCallback(rotating, BODY, secrets, options).id).toBe('0197-0')
    }
    expect(verifyCallback({ ...signed([OLD]) }, BODY, [NEW, OLD], options).id).toBe('0197-0')
    expect(() => verifyCallback(rotating, BODY, [OTHER], options)).toThrow(rejection('no_match'))
  })

  it('accepts 300 s on either side and rejects 301', () => {
    const at = (ageS: number) => () =>
      verifyCallback({ ...signed([NEW], NOW - ageS * 1_000) }, BODY, [NEW], { now: NOW })
    expect(at(300)()).toMatchObject({ id: '0197-0' })
    expect(at(-300)()).toMatchObject({ id: '0197-0' })
    expect(at(301)).toThrow(rejection('too_old'))
    expect(at(-301)).toThrow(rejection('too_new'))
  })

  it('takes another tolerance', () => {
    const headers = { ...signed() }
    const options = { now: NOW + 10_000, toleranceS: 9 }
    expect(() => verifyCallback(headers, BODY, [NEW], options)).toThrow(rejection('too_old'))
  })

  it('rejects every flipped bit of the signature, the body, the id and the time', () => {
    const headers = { ...signed() }
    const parts = [...Object.keys(headers), 'body'] as (keyof SignedHeaders | 'body')[]
    fc.assert(
      fc.property(fc.constantFrom(...parts), fc.nat(), fc.nat({ max: 7 }), (part, position, bit) => {
        const bytes = Buffer.from(part === 'body' ? BODY : headers[part])
        const index = position % bytes.length
        bytes[index] = bytes[index]! ^ (1 << bit)
        const changed = part === 'body' ? headers : { ...headers, [part]: bytes.toString('latin1') }
        const body = part === 'body' ? bytes : BODY
        expect(() => verifyCallback(changed, body, [NEW], { now: NOW })).toThrow(
          expect.objectContaining({ code: 'invalid_signature' }),
        )
      }),
      { numRuns: 500 },
    )
  })

  it('rejects the same signature in another spelling of its base64', () => {
    const headers = signed()
    const unpadded = headers['webhook-signature'].replace(/=$/, '')
    const spelled = { ...headers, 'webhook-signature': unpadded }
    expect(() => verifyCallback(spelled, BODY, [NEW], { now: NOW })).toThrow(rejection('no_match'))
  })

  it('looks only at signatures of its own scheme', () => {
    const headers = signed()
    const value = headers['webhook-signature'].slice('v1,'.length)
    const offered = (signature: string) => () =>
      verifyCallback({ ...headers, 'webhook-signature': signature }, BODY, [NEW], { now: NOW })
    expect(offered(`v1a,AAAA v2,${value} v1,${value}`)()).toMatchObject({ id: '0197-0' })
    for (const signature of [value, `v1a,${value}`, `v2,${value}`, `v1,${value}=`, 'v1,', 'v1']) {
      expect(offered(signature)).toThrow(rejection('no_match'))
    }
  })

  it('gives a replay the id of the first, by which a receiver knows it', () => {
    const headers = { ...signed() }
    const first = verifyCallback(headers, BODY, [NEW], { now: NOW })
    const again = verifyCallback(headers, BODY, [NEW], { now: NOW + 299_000 })
    expect(again).toEqual(first)
    expect(() => verifyCallback(headers, BODY, [NEW], { now: NOW + 301_000 })).toThrow(rejection('too_old'))
  })

  it.each(['webhook-id', 'webhook-timestamp', 'webhook-signature'])('says that %s is missing', (name) => {
    const headers = { ...signed(), [name]: undefined }
    expect(() => verifyCallback(headers, BODY, [NEW], { now: NOW })).toThrow(rejection('missing_header'))
    expect(() => verifyCallback(headers, BODY, [NEW], { now: NOW })).toThrow(name)
  })

  it.each([
    ['webhook-id', 'a.b'],
    ['webhook-id', ['a', 'b']],
    ['webhook-timestamp', '1.7e9'],
    ['webhook-timestamp', ''],
    ['webhook-timestamp', '-1'],
    ['webhook-timestamp', '9'.repeat(400)],
    ['webhook-signature', 'v1,A '.repeat(1_000)],
  ])('says that %s is malformed: %.20s', (name, value) => {
    const headers = { ...signed(), [name]: value }
    expect(() => verifyCallback(headers, BODY, [NEW], { now: NOW })).toThrow(rejection('malformed_header'))
  })

  it('calls a malformed secret a mistake of the caller, not of the sender', () => {
    expect(() => verifyCallback({ ...signed() }, BODY, ['secret'], { now: NOW })).toThrow(
      expect.objectContaining({ code: 'invalid_argument' }),
    )
  })
})
