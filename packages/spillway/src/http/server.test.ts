import { once } from 'node:events'
import { connect, createServer, type Server } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type HttpKit, type KitOptions, startHttp, storeDown, withStore } from '../../test/http/http-kit.js'
import type { Store } from '../ports/index.js'
import { memory } from '../stores/memory/index.js'
import { SCHEMAS } from './schemas.js'

const TOKEN = 'token-of-the-server'

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

describe('serveHttp', () => {
  it.each(['0.0.0.0', '::', 'example.com', '10.1.2.3'])(
    'refuses to start on %s without a token',
    async (host) => {
      await expect(start({ host })).rejects.toMatchObject({
        code: 'invalid_config',
        message: expect.stringMatching(
          /^http\.token: expected a token, because .* can be reached from other machines/,
        ),
      })
    },
  )

  it('starts anywhere with a token', async () => {
    const { server } = await start({ host: '0.0.0.0', token: TOKEN })
    const { port } = new URL(server.url)
    expect((await fetch(`http://127.0.0.1:${port}/livez`)).status).toBe(200)
    expect((await fetch(`http://127.0.0.1:${port}/v1/queues`)).status).toBe(401)
  })

  it('tells that the port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = (other as Server).address() as { port: number }
    await expect(start({ config: { http: { port } } }).then((started) => started.url)).resolves.not.toContain(
      String(port),
    )
    const { serveHttp } = await import('./index.js')
    await expect(serveHttp((kit as HttpKit).spillway, { port })).rejects.toMatchObject({
      code: 'invalid_config',
      message: expect.stringContaining('taken'),
    })
    other.close()
  })

  it('does not wait for connections that never sent a request when it closes', async () => {
    const { server, url } = await start({ limits: { closeTimeoutMs: 3_600_000 } })
    const { hostname, port } = new URL(url)
    const idle = connect(Number(port), hostname)
    await once(idle, 'connect')
    await fetch(`${url}/livez`)
    const cut = once(idle, 'close')
    await server.close()
    await cut
  })

  it('says where it listens', async () => {
    const { url, get } = await start({ host: '::1' })
    expect(url).toMatch(/^http:\/\/\[::1\]:\d+$/)
    expect((await get('/livez')).status).toBe(200)
  })
})

describe('a bearer token', () => {
  it.each([
    [undefined, 'Bearer realm="spillway"'],
    ['Bearer wrong', 'Bearer realm="spillway", error="invalid_token"'],
    [`Bearer ${TOKEN}x`, 'Bearer realm="spillway", error="invalid_token"'],
    [`Bearer ${TOKEN.slice(1)}`, 'Bearer realm="spillway", error="invalid_token"'],
    [`Basic ${TOKEN}`, 'Bearer realm="spillway", error="invalid_token"'],
    [TOKEN, 'Bearer realm="spillway", error="invalid_token"'],
    ['Bearer ', 'Bearer realm="spillway", error="invalid_token"'],
  ])('is required: %s', async (authorization, challenge) => {
    const { get, post, spillway } = await start({ token: TOKEN })
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization }
    for (const path of [
      '/v1/queues',
      '/v1/commands',
      '/metrics',
      '/openapi.json',
      '/nothing',
      '/v1/commands/x:bulk',
    ]) {
      const answer = await get(path, { headers })
      expect(answer.status, path).toBe(401)
      expect(answer.headers.get('www-authenticate')).toBe(challenge)
      expect(SCHEMAS.Problem.parse(answer.json).code).toBe('unauthorized')
    }
    expect((await post('/v1/commands/echo', 1, { headers })).status).toBe(401)
    expect(await spillway.accounting()).toMatchObject({ accepted: 0 })
  })

  it.each([`Bearer ${TOKEN}`, `bearer ${TOKEN}`, `BEARER   ${TOKEN}`])(
    'opens everything: %s',
    async (authorization) => {
      const { post } = await start({ token: TOKEN })
      expect((await post('/v1/commands/echo', 1, { headers: { authorization } })).status).toBe(202)
    },
  )

  it('is not needed for health checks, which then name no details', async () => {
    const { get } = await start({ token: TOKEN })
    expect((await get('/livez')).json).toEqual({ status: 'live' })
    expect((await get('/readyz')).json).toEqual({ status: 'ready' })
    const anonymous = SCHEMAS.Readiness.parse((await get('/readyz?verbose')).json)
    expect(anonymous.checks?.length).toBeGreaterThan(0)
    expect(anonymous.checks?.every((check) => check.detail === undefined)).toBe(true)
    const trusted = SCHEMAS.Readiness.parse(
      (await get('/readyz?verbose', { headers: { authorization: `Bearer ${TOKEN}` } })).json,
    )
    expect(trusted.checks?.every((check) => typeof check.detail === 'string')).toBe(true)
  })
})

describe('without a token', () => {
  it.each(['evil.example', 'evil.example:7077', '10.0.0.1', 'localhost.evil.example', ''])(
    'a request for the host %j is refused',
    async (host) => {
      const { socket } = await start()
      const connection = socket().send(
        `GET /v1/commands HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
      )
      const response = await connection.closed
      expect(response).toMatch(/^HTTP\/1\.1 403 /)
      expect(bodyOf(response)).toMatchObject({ code: 'forbidden_origin' })
    },
  )

  it.each(['localhost', 'localhost:7077', '127.0.0.1:1', '[::1]:7077'])(
    'a request for the host %s is taken',
    async (host) => {
      const { socket } = await start()
      const connection = socket().send(
        `GET /v1/commands HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
      )
      expect(await connection.closed).toMatch(/^HTTP\/1\.1 200 /)
    },
  )
})

describe('health', () => {
  it('is ready when commands can be accepted, and says what is wrong when they cannot', async () => {
    const store = withStore(memory(), {})
    const { get } = await start({ config: { store } })
    expect((await get('/readyz')).json).toEqual({ status: 'ready' })
    store.probe = storeDown
    const answer = await get('/readyz?verbose=true')
    expect(answer.status).toBe(503)
    expect(SCHEMAS.Readiness.parse(answer.json)).toMatchObject({ status: 'not_ready' })
    expect(answer.json.checks).toContainEqual({
      name: 'store',
      ok: false,
      detail: expect.stringContaining('locked'),
    })
    expect((await get('/livez')).status).toBe(200)
  })

  it('is not ready when the check itself fails', async () => {
    const { get, spillway } = await start()
    spillway.health = () => Promise.reject(new Error('broken'))
    expect((await get('/readyz')).status).toBe(503)
  })
})

describe('GET /metrics', () => {
  it('shows what happened', async () => {
    const { post, get } = await start()
    await post('/v1/commands/echo', 1, { headers: { prefer: 'wait=20' } })
    await post('/v1/commands/letter', { end: 'thrown' }, { headers: { prefer: 'wait=20' } })
    const answer = await get('/metrics')
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
    expect(answer.text).toContain(
      'spillway_command_received_total{queue="default",command="echo",outcome="accepted"} 1',
    )
    expect(answer.text).toContain(
      'spillway_command_finished_total{queue="letters",command="letter",outcome="dead"} 1',
    )
    expect(answer.text).toContain('spillway_dead_letter_depth{queue="letters"} 1')
    expect(answer.text).toMatch(
      /spillway_store_operation_duration_seconds_count\{operation="append",outcome="ok"\} \d+/,
    )
  })

  it('is absent when it is turned off', async () => {
    const { get } = await start({ metrics: false })
    expect((await get('/metrics')).json.code).toBe('route_not_found')
  })
})

describe('paths and methods', () => {
  it('answers 404 where there is nothing and 405 where there is something else', async () => {
    const { get, url } = await start()
    for (const path of [
      '/',
      '/v1',
      '/v2/commands',
      '/v1/commands/a/b/c',
      '/v1/queues/',
      '/..%2f..%2fetc/passwd',
      '/v1/commands/',
    ]) {
      const answer = await get(path)
      expect(answer.status, path).toBe(404)
      expect(SCHEMAS.Problem.safeParse(answer.json).success, path).toBe(true)
    }
    const refused = await fetch(`${url}/v1/commands/echo`, { method: 'DELETE' })
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'POST, GET, HEAD'])
    expect(SCHEMAS.Problem.parse(await refused.json()).code).toBe('method_not_allowed')
    expect((await get('/v1/commands:bulk')).headers.get('allow')).toBe('POST')
  })

  it('answers HEAD like GET, without a body', async () => {
    const { url } = await start()
    const answer = await fetch(`${url}/v1/queues`, { method: 'HEAD' })
    expect([answer.status, await answer.text()]).toEqual([200, ''])
  })

  it('names no framework', async () => {
    const { get } = await start()
    const names = [...(await get('/nothing')).headers.keys()]
    expect(names).not.toContain('x-powered-by')
    expect(names).not.toContain('server')
  })
})

describe('a connection', () => {
  const invalid =
    'POST /v1/commands/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n{'
  const refused =
    'POST /v1/commands/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 1000000\r\n\r\nabc'

  it('is used again after a refused request that was read, and closed after one that was not', async () => {
    const { socket } = await start()
    const connection = socket()
    await connection.send(invalid).receives('malformed_json')
    await connection.send('GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n').receives('"live"')
    expect(await connection.send(refused).closed).toContain('unsupported_media_type')
  })

  it('serves requests sent in one go, in order', async () => {
    const { socket } = await start()
    const requests = ['/livez', '/nothing', '/readyz'].map(
      (path) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    )
    const received = await socket().send(requests.join('')).receives('"ready"')
    expect(received.indexOf('"live"')).toBeLessThan(received.indexOf('route_not_found'))
    expect(received.indexOf('route_not_found')).toBeLessThan(received.indexOf('"ready"'))
  })
})

describe('close()', () => {
  it('lets running requests finish, refuses new ones and can be called twice', async () => {
    const inner: Store = memory()
    let release = (): void => {}
    const appended = new Promise<void>((resolve) => {
      release = resolve
    })
    let begun = (): void => {}
    const appending = new Promise<void>((resolve) => {
      begun = resolve
    })
    const { post, server, get } = await start({
      config: {
        store: withStore(inner, {
          append: async (drafts, options) => {
            begun()
            await appended
            return inner.append(drafts, options)
          },
        }),
      },
    })
    const running = post('/v1/commands/echo', 1)
    await appending
    const closing = Promise.all([server.close(), server.close()])
    release()
    expect((await running).status).toBe(202)
    await closing
    await expect(get('/livez')).rejects.toThrow('fetch failed')
  })
})
