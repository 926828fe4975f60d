import { BlockList, isIP } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AddressGuardOptions, createAddressGuard } from './address-guard.js'

const strict = createAddressGuard()
const http = createAddressGuard({ allowHttp: true })

function accepts(text: string, options?: AddressGuardOptions): boolean {
  return createAddressGuard(options).judgeUrl(text).ok
}

/** The IANA special-purpose registry, multicast, the reserved rest, and Azure's host: another list than the guard's own. */
const IPV4_SPECIAL = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['168.63.129.16', 32],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const

const special = new BlockList()
for (const [network, bits] of IPV4_SPECIAL) special.addSubnet(network, bits, 'ipv4')

function isSpecial(address: string): boolean {
  return special.check(address, 'ipv4')
}

type Octets = readonly [number, number, number, number]

function dotted(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.')
}

const privateIpv4 = fc
  .tuple(fc.constantFrom(...IPV4_SPECIAL), fc.nat({ max: 0xffff_ffff }))
  .map(([[network, bits], noise]) => {
    const base = network.split('.').reduce((value, octet) => value * 256 + Number(octet), 0)
    const hostMask = 2 ** (32 - bits) - 1
    return (base + (noise % (hostMask + 1))) >>> 0
  })

const radix = fc.constantFrom(
  (value: number) => String(value),
  (value: number) => `0${value.toString(8)}`,
  (value: number) => `000${value.toString(8)}`,
  (value: number) => `0x${value.toString(16)}`,
  (value: number) => `0X${value.toString(16).toUpperCase()}`,
)

/** One to four parts, the last one taking the remaining bytes, each in a notation of its own: what inet_aton takes. */
const classic = fc.record({
  parts: fc.integer({ min: 1, max: 4 }),
  radixes: fc.array(radix, { minLength: 4, maxLength: 4 }),
})

function spelled(value: number, parts: number, radixes: readonly ((value: number) => string)[]): string {
  const octets = dotted(value).split('.').map(Number) as unknown as Octets
  const head = octets.slice(0, parts - 1)
  const tail = octets.slice(parts - 1).reduce((sum, octet) => sum * 256 + octet, 0)
  return [...head, tail].map((part, index) => radixes[index]!(part)).join('.')
}

const disguise = fc.constantFrom(
  (host: string) => host,
  (host: string) => `${host}.`,
  (host: string) => host.replace(/./g, (char) => `%${char.charCodeAt(0).toString(16)}`),
  (host: string) => host.replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit))),
  (host: string) => host.replace(/\d/g, (digit) => String.fromCodePoint(0x1d7ce + Number(digit))),
  (host: string) => host.replaceAll('.', '。'),
  (host: string) => host.replaceAll('.', '．'),
  (host: string) => host.replace(/^(.)/, '$1\t\n'),
)

describe('judgeUrl, the form of the url', () => {
  it.each([
    'https://example.com/hook',
    'https://example.com:443/hook?a=b#c',
    'HTTPS://EXAMPLE.COM',
    'https://93.184.216.34/',
    'https://[2606:2800:220:1:248:1893:25c8:1946]/',
    'https://bücher.example',
    'https://internal.example.com/',
  ])('accepts %s', (url) => {
    expect(strict.judgeUrl(url)).toMatchObject({ ok: true })
  })

  it.each([
    'http://example.com/',
    'ftp://example.com/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'unix:/run/docker.sock',
    'https:///path',
    'https://',
    'https://.',
    'example.com',
    '//example.com',
    '',
    'https://a b.example/',
    `https://example.com/${'x'.repeat(2_048)}`,
    'https://user@example.com/',
    'https://user:secret@example.com/',
    'https://:secret@example.com/',
    'https://example.com:8443/',
    'https://example.com:80/',
    'https://example.com:22/',
    'https://example.com:0/',
  ])('refuses %.60s', (url) => {
    expect(strict.judgeUrl(url)).toMatchObject({ ok: false })
  })

  it('never repeats credentials, path or query in the reason', () => {
    for (const url of ['https://user:hunter2@example.com/token-hunter2?k=hunter2', 'http://x/hunter2']) {
      expect(JSON.stringify(strict.judgeUrl(url))).not.toContain('hunter2')
    }
  })

  it('takes http, and its port, where that is allowed', () => {
    expect(http.judgeUrl('http://example.com/')).toMatchObject({ ok: true })
    expect(http.judgeUrl('http://example.com:8080/')).toMatchObject({ ok: false })
    expect(accepts('http://example.com:8080/', { allowHttp: true, allowPorts: [8080] })).toBe(true)
    expect(accepts('https://example.com:8443/', { allowPorts: [8443] })).toBe(true)
  })

  it('calls the name without its final dot', () => {
    const judged = strict.judgeUrl('https://example.com./hook')
    expect(judged.ok && judged.url.href).toBe('https://example.com/hook')
  })

  it.each([0, -1, 65_536, 1.5, Number.NaN])('refuses %d as a port to allow', (port) => {
    expect(() => createAddressGuard({ allowPorts: [port] })).toThrow('callbacks.allowPorts[0]')
  })

  it.each(['10.0.0.0', '10.0.0.0/33', 'localhost', '::/129', ''])(
    'refuses %j as a range to allow',
    (cidr) => {
      expect(() => createAddressGuard({ allowAddresses: ['10.0.0.0/8', cidr] })).toThrow(
        'callbacks.allowAddresses[1]',
      )
    },
  )
})

describe('judgeUrl, internal names', () => {
  it.each([
    'localhost',
    'LOCALHOST',
    'localhost.',
    'app.localhost',
    'l%6fcalhost',
    'ｌｏｃａｌｈｏｓｔ',
    'metadata',
    'instance-data',
    'metadata.google.internal',
    'metadata.google.internal.',
    'metadata.goog',
    'kubernetes.default.svc',
    'kubernetes.default.svc.cluster.local',
    'printer.local',
    'db.corp',
    'router.lan',
    'nas.home.arpa',
    'db',
  ])('refuses %s', (host) => {
    expect(strict.judgeUrl(`https://${host}/`)).toMatchObject({ ok: false })
  })

  it('accepts a name an operator vouches for, and no other of its kind', () => {
    const guard = createAddressGuard({ allowHosts: ['Billing.internal.'] })
    expect(guard.judgeUrl('https://billing.internal/')).toMatchObject({ ok: true })
    expect(guard.judgeUrl('https://BILLING.internal./')).toMatchObject({ ok: true })
    expect(guard.isAllowedHost('billing.internal')).toBe(true)
    for (const host of ['a.billing.internal', 'internal', 'wages.internal']) {
      expect(guard.judgeUrl(`https://${host}/`)).toMatchObject({ ok: false })
      expect(guard.isAllowedHost(host)).toBe(false)
    }
  })

  it('does not let a vouched-for literal past the ranges', () => {
    expect(accepts('https://127.0.0.1/', { allowHosts: ['127.0.0.1'] })).toBe(false)
  })
})

describe('judgeUrl, addresses', () => {
  it.each([
    '127.1',
    '127.0.0.1',
    '0',
    '0.0.0.0',
    '017700000001',
    '0x7f.1',
    '2130706433',
    '0177.0.0.01',
    '127.0.0.1.',
    '１２７.０.０.１',
    '169.254.169.254',
    '0xa9fea9fe',
    '100.100.100.200',
    '100.64.0.1',
    '10.0.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '192.0.0.192',
    '198.18.0.1',
    '192.88.99.1',
    '224.0.0.1',
    '255.255.255.255',
    '168.63.129.16',
    '[::]',
    '[::1]',
    '[0:0:0:0:0:0:0:1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:a9fe:a9fe]',
    '[::ffff:8.8.8.8]',
    '[::127.0.0.1]',
    '[::ffff:0:127.0.0.1]',
    '[64:ff9b::7f00:1]',
    '[64:ff9b::808:808]',
    '[64:ff9b:1::a9fe:a9fe]',
    '[2002:7f00:1::]',
    '[2001:0:7f00:1::]',
    '[2001:db8::1]',
    '[fe80::1]',
    '[fec0::1]',
    '[fc00::1]',
    '[fd00:ec2::254]',
    '[ff02::1]',
    '[100::1]',
    '[4000::1]',
    '[3fff::1]',
    '[5f00::1]',
    '[fe80::1%25eth0]',
  ])('refuses %s', (host) => {
    expect(http.judgeUrl(`http://${host}/`)).toMatchObject({ ok: false })
  })

  it('refuses every private IPv4 address in every spelling', () => {
    fc.assert(
      fc.property(privateIpv4, classic, disguise, (value, { parts, radixes }, disguised) => {
        const host = disguised(spelled(value, parts, radixes))
        expect([host, http.judgeUrl(`http://${host}/`).ok]).toEqual([host, false])
      }),
      { numRuns: 3_000 },
    )
  })

  it('reads these spellings as the addresses they are: public ones are accepted', () => {
    const publicIpv4 = fc.nat({ max: 0xffff_ffff }).filter((value) => !isSpecial(dotted(value)))
    fc.assert(
      fc.property(publicIpv4, classic, disguise, (value, { parts, radixes }, disguised) => {
        const judged = http.judgeUrl(`http://${disguised(spelled(value, parts, radixes))}/`)
        expect(judged.ok && judged.url.hostname).toBe(dotted(value))
      }),
      { numRuns: 1_000 },
    )
  })

  it('refuses every private IPv4 address inside of an IPv6 address', () => {
    const hex = (value: number) => `${(value >>> 16).toString(16)}:${(value & 0xffff).toString(16)}`
    const wrapped = fc.constantFrom(
      (value: number) => `::ffff:${dotted(value)}`,
      (value: number) => `::FFFF:${hex(value)}`,
      (value: number) => `0:0:0:0:0:ffff:${hex(value)}`,
      (value: number) => `::ffff:0:${hex(value)}`,
      (value: number) => `::${dotted(value)}`,
      (value: number) => `64:ff9b::${dotted(value)}`,
      (value: number) => `64:ff9b:1::${hex(value)}`,
      (value: number) => `2002:${hex(value)}::1`,
      (value: number) => `2001:0:${hex(value)}::1`,
      (value: number) => `2001:0:1:2:3:4:${hex(~value >>> 0)}`,
    )
    fc.assert(
      fc.property(privateIpv4, wrapped, (value, wrap) => {
        const host = wrap(value)
        expect([host, http.judgeUrl(`http://[${host}]/`).ok]).toEqual([host, false])
      }),
      { numRuns: 2_000 },
    )
  })

  it('never fails, and never accepts a literal that another judge calls special, whatever the text', () => {
    const anything = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.webUrl(),
      fc.ipV6().map((address) => `https://[${address}]/`),
      fc.ipV4Extended().map((address) => `https://${address}/`),
      fc
        .tuple(fc.webAuthority({ withUserInfo: true, withPort: true, withIPv4Extended: true }))
        .map(([host]) => `http://${host}/`),
      fc.string({ unit: 'grapheme' }).map((host) => `https://${host}/`),
    )
    fc.assert(
      fc.property(anything, (text) => {
        const judged = http.judgeUrl(text)
        if (!judged.ok) return
        const { hostname, username, password, pathname, search } = judged.url
        expect(username + password).toBe('')
        expect(pathname + search).toMatch(/^\/[!-~]*$/)
        if (isIP(hostname) === 4) expect(isSpecial(hostname)).toBe(false)
        if (hostname.startsWith('[')) expect(hostname).toMatch(/^\[[23]/)
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('refusedAddress', () => {
  it('refuses what is no address in plain notation, which a resolver may answer', () => {
    for (const address of ['', 'localhost', '0x7f.1', '127.1', '2130706433', 'fe80::1%eth0', '010.8.8.8']) {
      expect([address, strict.refusedAddress(address)]).toEqual([address, 'not an address in plain notation'])
    }
  })

  it('judges ranges that are allowed by their numbers alone', () => {
    const guard = createAddressGuard({ allowAddresses: ['10.1.0.0/16', 'fd00:1::/32'] })
    expect(guard.refusedAddress('10.1.255.255')).toBeNull()
    expect(guard.refusedAddress('10.2.0.0')).toBe('private')
    expect(guard.refusedAddress('fd00:1:ffff::1')).toBeNull()
    expect(guard.refusedAddress('fd00:2::1')).toBe('unique local')
    expect(guard.refusedAddress('::ffff:10.1.0.1')).toBe('ipv4 mapped')
  })

  it('judges what lies behind NAT64 where its prefix is allowed', () => {
    const guard = createAddressGuard({ allowAddresses: ['64:ff9b::/96'] })
    expect(strict.refusedAddress('64:ff9b::808:808')).toBe('NAT64')
    expect(guard.refusedAddress('64:ff9b::808:808')).toBeNull()
    expect(guard.refusedAddress('64:ff9b::a9fe:a9fe')).toBe('link local')
    expect(guard.refusedAddress('::ffff:808:808')).toBe('ipv4 mapped')
  })
})
