import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import { afterEach, describe, expect, it } from 'vitest'
import { echo } from '../../test/http/http-kit.js'
import type { CreateOptions } from '../app/create-spillway.js'
import { createSpillway } from '../app/create-spillway.js'
import type { SpillwayConfig } from '../config/index.js'
import type { TelemetryEvent } from '../ports/index.js'
import { memory } from '../stores/memory/index.js'
import { httpHandler, httpPlugin } from './index.js'

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close()
})

async function spillwayOf(config: Partial<SpillwayConfig> = {}, options: CreateOptions = {}) {
  const spillway = await createSpillway(
    { store: memory(), commands: [echo], ...config },
    { logs: 'silent', ...options },
  )
  open.push(spillway)
  return spillway
}

const json = { 'content-type': 'application/json' }

describe('httpPlugin', () => {
  it('lives under the prefix of a host and leaves the host as it is', async () => {
    const app = Fastify()
    open.push(app)
    app.post('/own', async (request) => ({ got: request.body }))
    app.register(httpPlugin(await spillwayOf()), { prefix: '/spillway' })
    const receipt = await app.inject({
      method: 'POST',
      url: '/spillway/v1/commands/echo',
      headers: json,
      payload: '1',
    })
    expect(receipt.headers.location).toBe(`/spillway/v1/commands/${receipt.json().id}`)
    expect((await app.inject(`${receipt.headers.location}?wait=20`)).json()).toMatchObject({
      state: 'succeeded',
      links: { self: receipt.headers.location },
    })
    expect((await app.inject({ method: 'POST', url: '/own', payload: { a: 1 } })).json()).toEqual({
      got: { a: 1 },
    })
    expect((await app.inject('/nothing')).json()).toEqual({
      statusCode: 404,
      error: 'Not Found',
      message: 'Route GET:/nothing not found',
    })
    expect((await app.inject('/spillway/nothing')).json()).toMatchObject({
      status: 404,
      code: 'route_not_found',
    })
    expect((await app.inject('/spillway/livez')).json()).toEqual({ status: 'live' })
  })

  it('can be mounted at the root beside the routes of the host', async () => {
    const app = Fastify()
    open.push(app)
    app.setNotFoundHandler((_request, reply) => reply.code(404).send('host'))
    app.register(httpPlugin(await spillwayOf()))
    expect((await app.inject('/nothing')).body).toBe('host')
    expect((await app.inject('/readyz')).statusCode).toBe(200)
  })

  it('takes its token from the configuration unless told otherwise', async () => {
    const spillway = await spillwayOf({ http: { token: 'token-of-the-config' } })
    const app = Fastify()
    open.push(app)
    app.register(httpPlugin(spillway), { prefix: '/a' })
    app.register(httpPlugin(spillway, { token: 'token-of-this-mount' }), { prefix: '/b' })
    app.register(httpPlugin(spillway, { token: null }), { prefix: '/c' })
    const statusOf = async (prefix: string, token: string): Promise<number> =>
      (await app.inject({ url: `${prefix}/v1/queues`, headers: { authorization: `Bearer ${token}` } }))
        .statusCode
    expect(await statusOf('/a', 'token-of-the-config')).toBe(200)
    expect(await statusOf('/a', 'token-of-this-mount')).toBe(401)
    expect(await statusOf('/b', 'token-of-this-mount')).toBe(200)
    expect(await statusOf('/b', 'token-of-the-config')).toBe(401)
    expect(await statusOf('/c', 'anything')).toBe(200)
  })

  it('refuses a token that is too short', async () => {
    const spillway = await spillwayOf()
    expect(() => httpPlugin(spillway, { token: 'short' })).toThrow(
      expect.objectContaining({ code: 'invalid_config' }),
    )
    expect(() => httpPlugin(spillway, { token: 'a token with spaces' })).toThrow(/without spaces/)
  })

  it('reports faults of its own without showing them', async () => {
    const events: TelemetryEvent[] = []
    const spillway = await spillwayOf({ telemetry: [{ record: (event) => events.push(event) }] })
    spillway.queues = () => Promise.reject(new Error('cannot read hunter2'))
    const app = Fastify()
    open.push(app)
    app.register(httpPlugin(spillway), { prefix: '/s' })
    const answer = await app.inject('/s/v1/queues')
    expect([answer.statusCode, answer.json().code]).toEqual([500, 'internal'])
    expect(answer.body).not.toContain('hunter2')
    expect(events.filter(({ event }) => event === 'fault')).toEqual([
      {
        event: 'fault',
        where: 'http GET /s/v1/queues',
        error: expect.objectContaining({ message: 'cannot read hunter2' }),
      },
    ])
    await app.inject('/s/v1/commands/nonsense')
    expect(events.filter(({ event }) => event === 'fault')).toHaveLength(1)
  })

  it.each([
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'sec-fetch-site': 'same-site' }, 403],
    [{ 'sec-fetch-site': 'same-origin', origin: 'http://example.com:80' }, 200],
    [{ 'sec-fetch-site': 'none' }, 200],
    [{ origin: 'http://evil.example' }, 403],
    [{ origin: 'null' }, 403],
    [{ origin: 'http://localhost:80' }, 200],
    [{}, 200],
  ])('without a token, answers a post of a page with %o with %i', async (headers, status) => {
    const app = Fastify()
    open.push(app)
    app.register(httpPlugin(await spillwayOf()))
    const host =
      'origin' in headers && headers.origin?.startsWith('http://example') ? 'example.com' : 'localhost'
    const answer = await app.inject({
      method: 'POST',
      url: '/v1/queues/default/pause',
      headers: { ...headers, host },
    })
    expect(answer.statusCode).toBe(status)
    expect((await app.inject({ url: '/v1/queues', headers: { ...headers, host } })).statusCode).toBe(200)
  })

  it('lets a page of another site post when it has the token', async () => {
    const app = Fastify()
    open.push(app)
    app.register(httpPlugin(await spillwayOf(), { token: 'token-of-this-mount' }))
    const answer = await app.inject({
      method: 'POST',
      url: '/v1/queues/default/pause',
      headers: { origin: 'http://other.example', authorization: 'Bearer token-of-this-mount' },
    })
    expect(answer.statusCode).toBe(200)
  })
})

describe('httpHandler', () => {
  async function serve(prefix?: string) {
    const handler = httpHandler(await spillwayOf(), prefix === undefined ? {} : { prefix })
    const server = createServer(handler)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    open.push(
      { close: () => new Promise((resolve) => server.close(resolve)) },
      { close: () => server.closeAllConnections() },
    )
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  it('serves everything through any Node server', async () => {
    const url = await serve()
    const receipt = await fetch(`${url}/v1/commands/echo`, { method: 'POST', headers: json, body: '{"a":1}' })
    expect(receipt.status).toBe(202)
    const command = await fetch(`${url}${receipt.headers.get('location')}?wait=20`)
    expect(await command.json()).toMatchObject({ state: 'succeeded', result: { a: 1 } })
    const stream = await fetch(`${url}/v1/commands/echo:bulk`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: '1\n2\n',
    })
    expect(await stream.json()).toMatchObject({ accepted: 2 })
    expect(await (await fetch(`${url}/nothing`)).json()).toMatchObject({ code: 'route_not_found' })
  })

  it('serves under a prefix', async () => {
    const url = await serve('/spillway')
    expect((await fetch(`${url}/spillway/readyz`)).status).toBe(200)
    expect(await (await fetch(`${url}/readyz`)).json()).toMatchObject({ code: 'route_not_found' })
    expect(await (await fetch(`${url}/spillway/nothing`)).json()).toMatchObject({ code: 'route_not_found' })
  })
})
