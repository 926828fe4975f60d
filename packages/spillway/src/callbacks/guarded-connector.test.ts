import { once } from 'node:events'
import type { Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CERTIFICATE, CERTIFICATE_KEY } from '../../test/callbacks/certificate.js'
import { Endpoint } from '../../test/callbacks/endpoint.js'
import { VirtualClock } from '../testing/virtual-clock.js'
import { createAddressGuard } from './address-guard.js'
import { DeliveryError } from './delivery-error.js'
import { GuardedConnector, type GuardedConnectorOptions } from './guarded-connector.js'

const clock = new VirtualClock()
const local = createAddressGuard({ allowAddresses: ['127.0.0.0/8'] })
const strict = createAddressGuard()

let plain: Endpoint
let secure: Endpoint

beforeEach(async () => {
  plain = await Endpoint.raw(() => {})
  secure = await Endpoint.https({ key: CERTIFICATE_KEY, cert: CERTIFICATE }, (_, response) => response.end())
})
afterEach(async () => {
  await plain.close()
  await secure.close()
})

type Options = Partial<GuardedConnectorOptions> & { protocol?: string; hostname?: string; port?: number }

/** One connection; rejects with what undici would get. */
function connect(options: Options = {}, created?: (connector: GuardedConnector) => void): Promise<Socket> {
  const { protocol = 'http:', hostname = 'hooks.example.com', port = plain.port, ...rest } = options
  const resolve = async () => ['127.0.0.1']
  const connector = new GuardedConnector({ guard: local, resolve, clock, ...rest })
  created?.(connector)
  return new Promise((succeed, reject) => {
    connector.connect({ protocol, hostname, port: String(port) }, (error, socket) => {
      if (error === null) succeed(socket)
      else reject(error)
    })
  })
}

function failsWith(code: string, message?: string) {
  return expect.objectContaining({
    name: 'DeliveryError',
    code,
    ...(message === undefined ? {} : { message }),
  })
}

describe('GuardedConnector', () => {
  it('connects to the address the name was resolved to, once', async () => {
    const asked: string[] = []
    const socket = await connect({
      resolve: async (hostname) => {
        asked.push(hostname)
        return ['127.0.0.1']
      },
    })
    expect(socket.remoteAddress).toBe('127.0.0.1')
    expect(asked).toEqual(['hooks.example.com'])
    socket.destroy()
  })

  it('opens no connection when any of the answers is not public, whichever place it has', async () => {
    const guard = createAddressGuard({ allowAddresses: ['127.0.0.1/32'] })
    for (const answers of [
      ['127.0.0.1', '10.0.0.1'],
      ['10.0.0.1', '127.0.0.1'],
      [...Array<string>(50).fill('127.0.0.1'), '169.254.169.254'],
      ['127.0.0.1', '::ffff:169.254.169.254'],
    ]) {
      await expect(connect({ guard, resolve: async () => answers })).rejects.toEqual(failsWith('blocked'))
    }
    expect(plain.connections).toBe(0)
  })

  it('does not tell which address an internal name has', async () => {
    const attempt = connect({ guard: strict, resolve: async () => ['10.20.30.40'] })
    await expect(attempt).rejects.toEqual(
      failsWith('blocked', 'the host has an address that is not public (private)'),
    )
  })

  it('judges literal addresses, which no name server is asked for', async () => {
    const resolve = () => Promise.reject(new Error('nobody asks'))
    for (const hostname of ['127.0.0.1', '[::1]', '::1', '[::ffff:7f00:1]']) {
      await expect(connect({ guard: strict, resolve, hostname })).rejects.toEqual(failsWith('blocked'))
    }
    const socket = await connect({ resolve, hostname: '127.0.0.1' })
    expect(socket.remoteAddress).toBe('127.0.0.1')
    socket.destroy()
  })

  it('judges again where it ended up, before a byte is sent', async () => {
    for (const [endpoint, protocol] of [
      [plain, 'http:'],
      [secure, 'https:'],
    ] as const) {
      let judged = 0
      const refusedAddress = () => (++judged === 1 ? null : 'loopback')
      const attempt = connect({ guard: { refusedAddress }, protocol, port: endpoint.port, ca: CERTIFICATE })
      await expect(attempt).rejects.toEqual(failsWith('blocked'))
      expect(judged).toBe(2)
      await endpoint.allClosed()
    }
  })

  it('tries the other addresses when the first does not answer', async () => {
    const socket = await connect({ resolve: async () => ['127.0.0.2', '127.0.0.1'] })
    expect(socket.remoteAddress).toBe('127.0.0.1')
    socket.destroy()
  })

  it('passes on that a name cannot be resolved', async () => {
    const resolve = () => Promise.reject(new DeliveryError('dns', 'no such name'))
    await expect(connect({ resolve })).rejects.toEqual(failsWith('dns', 'no such name'))
  })

  it('says that nobody listens, without the address', async () => {
    const { port } = plain
    await plain.close()
    await expect(connect({ port })).rejects.toEqual(failsWith('connect', 'no connection: ECONNREFUSED'))
  })

  it('gives up after its time, even while the name is being resolved', async () => {
    const before = clock.pending
    const attempt = connect({ resolve: () => new Promise(() => {}) })
    const failed = expect(attempt).rejects.toEqual(failsWith('timeout'))
    await clock.advance(10_000)
    await failed
    expect(clock.pending).toBe(before)
  })

  it('gives up what is not connected when it closes', async () => {
    const attempt = connect({ resolve: () => new Promise(() => {}) }, (connector) =>
      queueMicrotask(() => connector.close()),
    )
    await expect(attempt).rejects.toEqual(failsWith('aborted'))
  })
})

describe('GuardedConnector with TLS', () => {
  it('connects where the certificate is trusted and for the name', async () => {
    const socket = await connect({ protocol: 'https:', port: secure.port, ca: CERTIFICATE })
    expect(socket).toMatchObject({ authorized: true, servername: 'hooks.example.com' })
    socket.destroy()
    await once(socket, 'close')
  })

  it.each([
    ['nobody trusts', 'hooks.example.com', undefined, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['is for another name', 'other.example.com', CERTIFICATE, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ])('refuses a certificate that %s', async (_, hostname, ca, code) => {
    const options = { protocol: 'https:', port: secure.port, hostname, ...(ca === undefined ? {} : { ca }) }
    await expect(connect(options)).rejects.toEqual(failsWith('tls', `the TLS handshake failed: ${code}`))
    await secure.allClosed()
  })

  it('says that the other side does not speak TLS', async () => {
    const rude = await Endpoint.raw((socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'))
    await expect(connect({ protocol: 'https:', port: rude.port })).rejects.toEqual(failsWith('tls'))
    await rude.close()
  })

  it('gives up a handshake that is never answered', async () => {
    const attempt = connect({ protocol: 'https:', port: plain.port }, () => {})
    const failed = expect(attempt).rejects.toEqual(failsWith('timeout'))
    await plain.connected()
    await clock.advance(10_000)
    await failed
    await plain.allClosed()
  })
})
