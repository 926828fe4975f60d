import { createHmac } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { signedHeaders } from './signing.js'
import { signingKeys } from './signing-key.js'

const OLD = `whsec_${Buffer.alloc(24, 1).toString('base64')}`
const NEW = `whsec_${Buffer.alloc(64, 2).toString('base64')}`
const BODY = '{"type":"command.succeeded","data":{"name":"Zoë"}}'
/** The official library judges by the machine's clock. */
const NOW = Date.now()

describe('signedHeaders', () => {
  it('signs the example of the Standard Webhooks library', () => {
    // From the library's own tests: a fixed key, id, time and payload.
    const keys = signingKeys(['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'], 'invalid_config')
    const headers = signedHeaders(
      'msg_p5jXN8AQM9LWM0D4loKWxJek',
      1_614_265_330_000,
      '{"test": 2432232314}',
      keys,
    )
    expect(headers).toEqual({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    })
  })

  it('is verified by the official library with the old and with the new key of a rotation', () => {
    const headers = { ...signedHeaders('0197-0', NOW, BODY, signingKeys([NEW, OLD], 'invalid_config')) }
    for (const secret of [OLD, NEW]) {
      expect(new Webhook(secret).verify(BODY, headers)).toEqual(JSON.parse(BODY))
    }
    const stranger = `whsec_${Buffer.alloc(24, 3).toString('base64')}`
    expect(() => new Webhook(stranger).verify(BODY, headers)).toThrow('No matching signature')
  })

  it('puts the signature of the newest key first', () => {
    const headers = signedHeaders('a', 5_999, BODY, signingKeys([NEW, OLD], 'invalid_config'))
    const expected = [Buffer.alloc(64, 2), Buffer.alloc(24, 1)].map(
      (key) => `v1,${createHmac('sha256', key).update(`a.5.${BODY}`).digest('base64')}`,
    )
    expect(headers['webhook-signature']).toBe(expected.join(' '))
  })

  it.each(['', 'a.b', 'a b', 'a\r\nx-admin: 1', 'ä', 'x'.repeat(256)])('refuses the id %j', (id) => {
    const keys = signingKeys([NEW], 'invalid_config')
    expect(() => signedHeaders(id, NOW, BODY, keys)).toThrow(
      expect.objectContaining({ code: 'invalid_argument' }),
    )
  })
})

describe('signingKeys', () => {
  it.each([
    ['no prefix', Buffer.alloc(24, 1).toString('base64'), 'does not begin with "whsec_"'],
    ['too short', `whsec_${Buffer.alloc(23, 1).toString('base64')}`, 'has 23 bytes'],
    ['too long', `whsec_${Buffer.alloc(65, 1).toString('base64')}`, 'has 65 bytes'],
    ['a typing error', `${OLD.slice(0, -2)}!!`, 'is not base64'],
    ['base64url', `whsec_${Buffer.alloc(30, 0xfb).toString('base64url')}`, 'is not base64'],
    ['nothing', '', 'does not begin'],
  ])('refuses a secret with %s, without repeating it', (_, secret, message) => {
    const attempt = () => signingKeys([OLD, secret], 'invalid_config')
    expect(attempt).toThrow(expect.objectContaining({ code: 'invalid_config', details: { index: 1 } }))
    expect(attempt).toThrow(message)
    if (secret !== '') expect(attempt).not.toThrow(secret)
  })

  it('takes unpadded base64', () => {
    const padded = `whsec_${Buffer.alloc(25, 1).toString('base64')}`
    expect(padded).toMatch(/=$/)
    const [one, other] = signingKeys([padded, padded.replace(/=+$/, '')], 'invalid_config')
    expect(one?.equals(other!)).toBe(true)
  })

  it('takes one to eight secrets', () => {
    expect(signingKeys(Array(8).fill(OLD), 'invalid_config')).toHaveLength(8)
    for (const secrets of [[], Array<string>(9).fill(OLD)]) {
      expect(() => signingKeys(secrets, 'invalid_config')).toThrow('expected 1 to 8')
    }
  })
})
