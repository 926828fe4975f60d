import { describe, expect, it } from 'vitest'
import { mysql } from './index.js'
import { type Tls, tlsTarget } from './tls.js'

const URL_OF = 'mysql://user:top%2Fsecret@db.example:3307/app'

describe('TLS in the URL of a MySQL store', () => {
  it.each([
    ['?ssl=true', { verifyIdentity: true }],
    ['?ssl=1', { verifyIdentity: true }],
    ['?ssl={"ca":"pem"}', { verifyIdentity: true, ca: 'pem' }],
    ['?ssl={"rejectUnauthorized":false}', { verifyIdentity: true, rejectUnauthorized: false }],
    ['?ssl={"verifyIdentity":false}', { verifyIdentity: false }],
    ['?ssl=Amazon%20RDS', 'Amazon RDS'],
  ])('is read from %s', (query, ssl) => {
    expect(tlsTarget(URL_OF + query, undefined)).toEqual({ uri: URL_OF, ssl })
  })

  it.each(['?ssl=false', '?ssl=0'])('is off for %s', (query) => {
    expect(tlsTarget(URL_OF + query, undefined)).toEqual({ uri: URL_OF })
  })

  it('leaves the other parameters to the driver', () => {
    expect(tlsTarget(`${URL_OF}?compress=true`, undefined)).toEqual({ uri: `${URL_OF}?compress=true` })
    expect(tlsTarget(`${URL_OF}?compress=true&ssl=true`, undefined).uri).toBe(`${URL_OF}?compress=true`)
  })

  it.each([
    ...['ssl=required', 'ssl=', 'ssl=[]', 'ssl=null', 'ssl=2'],
    ...['ssl-mode=REQUIRED', 'sslmode=require', 'SSL=true', 'sslaccept=strict', 'useSSL=true', 'tls=true'],
  ])('is refused as ?%s, which would be ignored or misread, with what to write instead', (query) => {
    const make = () => mysql(`${URL_OF}?${query}`)
    expect(make).toThrow(/mysql\(\): expected TLS to be asked for by \?ssl=true in the URL, or by connection/)
    expect(make).not.toThrow(/secret/)
    expect(make).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
  })
})

describe('TLS in the options of a MySQL store', () => {
  it('is as in the URL', () => {
    expect(tlsTarget(URL_OF, true).ssl).toEqual({ verifyIdentity: true })
    expect(tlsTarget(URL_OF, { ca: 'pem' }).ssl).toEqual({ verifyIdentity: true, ca: 'pem' })
    expect(tlsTarget(URL_OF, false)).toEqual({ uri: URL_OF })
  })

  it('is copied: the driver writes into what it is given', () => {
    const given = Object.freeze({ ca: 'pem' })
    expect(tlsTarget(URL_OF, given).ssl).not.toBe(given)
  })

  it('is refused beside a word on it in the URL', () => {
    expect(() => mysql(`${URL_OF}?ssl=true`, { connection: { ssl: { ca: 'pem' } } })).toThrow(/not both/)
  })

  it('is refused as something else', () => {
    expect(() => mysql(URL_OF, { connection: { ssl: 'VERIFY_CA' as Tls } })).toThrow(/expected TLS/)
  })
})
