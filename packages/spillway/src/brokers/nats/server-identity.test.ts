import type { PeerCertificate } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { identityCheck } from './server-identity.js'

function certificateOf(...names: string[]): PeerCertificate {
  return { subject: { CN: '' }, subjectaltname: names.join(', ') } as PeerCertificate
}

describe('whose certificate a server of NATS shows', () => {
  it.each([
    ['the name of the url', ['one.test'], 'one.test', ['DNS:one.test'], true],
    ['another name', ['one.test'], 'one.test', ['DNS:two.test'], false],
    ['the address of the url', ['10.0.0.1'], 'localhost', ['IP Address:10.0.0.1'], true],
    ['localhost where the url has an address', ['10.0.0.1'], 'localhost', ['DNS:localhost'], false],
    ['another address', ['10.0.0.1'], 'localhost', ['IP Address:10.0.0.2'], false],
    ['one of several addresses', ['10.0.0.1', '10.0.0.2'], 'localhost', ['IP Address:10.0.0.2'], true],
    ['a name beside addresses', ['10.0.0.1', 'one.test'], 'one.test', ['DNS:one.test'], true],
    ['localhost of the url', ['localhost'], 'localhost', ['DNS:localhost'], true],
  ])('%s', (_, hosts, asked, names, isTaken) => {
    const fault = identityCheck(hosts).checkServerIdentity(asked, certificateOf(...names))
    expect(fault === undefined).toBe(isTaken)
  })
})
