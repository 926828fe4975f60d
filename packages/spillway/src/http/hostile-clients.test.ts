import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import { type HttpKit, type KitOptions, startHttp } from '../../test/http/http-kit.js'
import { SCHEMAS } from './schemas.js'

let kit: HttpKit | null = null
const start = async (options?: KitOptions): Promise<HttpKit> => {
  kit = await startHttp(options)
  return kit
}
afterEach(async () => {
  await kit?.close()
  kit = null
})

const bodyOf = (response: string): unknown => JSON.parse(response.slice(response.indexOf('\r\n\r\n') + 4))

describe('slow and endless clients', () => {
  it('are cut when their headers do not come', async () => {
    const { socket, get } = await start({ limits: { headersTimeoutMs: 1_000 } })
    const slow = socket().send('POST /v1/commands/echo HTTP/1.1\r\nHost: localhost\r\nX-Slow: ')
    const response = await slow.closed
    expect(response).toMatch(/^HTTP\/1\.1 408 Request Timeout/)
    expect(bodyOf(response)).toMatchObject({ code: 'request_timeout' })
    expect((await get('/livez')).status).toBe(200)
  })

  it('are cut when their body does not come', async () => {
    const { socket, spillway } = await start({ limits: { bodyTimeoutMs: 100 } })
    const half = socket().send(
      'POST /v1/commands/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{"a"',
    )
    const response = await half.closed
    expect(response).toMatch(/^HTTP\/1\.1 408 /)
    expect(bodyOf(response)).toMatchObject({ code: 'request_timeout' })
    expect(await spillway.accounting()).toMatchObject({ accepted: 0 })
  })

  it('are cut when their body drips', async () => {
    const { socket } = await start({ limits: { bodyTimeoutMs: 1_000 } })
    const drip = socket().send(
      'POST /v1/commands/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n',
    )
    let sent = 0
    let isOpen = true
    const closed = drip.closed.then((response) => {
      isOpen = false
      return response
    })
    while (isOpen) {
      drip.send(' ')
      sent += 1
      await kit?.get('/livez')
    }
    expect(await closed).toMatch(/^HTTP\/1\.1 408 /)
    expect(sent).toBeGreaterThan(1)
  })

  it('are cut when nothing moves on their connection', async () => {
    const { socket } = await start({ limits: { socketTimeoutMs: 100 } })
    expect(await socket().closed).toBe('')
  })

  it('do not hold up close()', async () => {
    const { socket, server } = await start({ limits: { closeTimeoutMs: 50 } })
    // What is answered says that the half request behind it has arrived as well.
    const half = socket().send(
      'GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\nPOST /v1/commands/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{"a"',
    )
    await half.receives('"live"')
    await server.close()
    expect((await half.closed).match(/HTTP\/1\.1/g)).toHaveLength(1)
  })

  it('get no more connections than there may be', async () => {
    const { socket } = await start({ limits: { connectionsMax: 2 } })
    const request = 'GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n'
    const [first, second] = [socket().send(request), socket().send(request)]
    await Promise.all([first.receives('live'), second.receives('live')])
    expect(await socket().send(request).closed).toBe('')
    first.socket.destroy()
    await first.closed
    await second.send('GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n').receives('route_not_found')
  })
})

describe('requests that are no HTTP', () => {
  it.each([
    ['garbage', 'GARBAGE\r\n\r\n', 400, 'malformed_request'],
    [
      'a bad content length',
      'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n',
      400,
      'malformed_request',
    ],
    [
      'two content lengths',
      'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      400,
      'malformed_request',
    ],
    [
      'length and chunks at once',
      'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
      'malformed_request',
    ],
    [
      'huge headers',
      `GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Huge: ${'x'.repeat(20_000)}\r\n\r\n`,
      431,
      'headers_too_large',
    ],
    [
      'a bad escape in the path',
      'GET /v1/commands/%zz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
      400,
      'malformed_request',
    ],
    [
      'an unknown method',
      'PROPFIND /v1/commands HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
      404,
      'route_not_found',
    ],
  ])('are answered with a problem: %s', async (_, request, status, code) => {
    const { socket, get } = await start()
    const response = await socket().send(request).closed
    expect(response).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(response.toLowerCase()).toContain('content-type: application/problem+json')
    expect(SCHEMAS.Problem.parse(bodyOf(response)).code).toBe(code)
    expect((await get('/livez')).status).toBe(200)
  })

  it('are forgotten when the client hangs up in the middle', async () => {
    const { socket, get, spillway } = await start()
    for (const part of [
      'POST',
      'POST /v1/commands/echo HTTP/1.1\r\n',
      'POST /v1/commands/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 3\r\n\r\n1',
    ]) {
      const connection = socket()
      await once(connection.socket, 'connect')
      connection.send(part)
      connection.socket.end()
      await connection.closed
    }
    expect((await get('/livez')).status).toBe(200)
    expect(await spillway.accounting()).toMatchObject({ accepted: 0 })
  })
})
