import { getEventListeners } from 'node:events'
import { Webhook } from 'standardwebhooks'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CERTIFICATE, CERTIFICATE_KEY } from '../../test/callbacks/certificate.js'
import { Endpoint, type Received, received } from '../../test/callbacks/endpoint.js'
import { BODY, ID, SECRET, SenderRig, TIMEOUT_MS } from '../../test/callbacks/sender-rig.js'
import { resolveCallbacks } from '../config/callbacks.js'
import { createCallbackSender } from './sender.js'
import { verifyCallback } from './verification.js'

let rig: SenderRig
beforeEach(() => {
  rig = new SenderRig()
})
afterEach(() => rig.close())

describe('a callback', () => {
  it('arrives as it was stored, signed for the time of the attempt', async () => {
    const requests: Received[] = []
    const endpoint = await rig.open(
      Endpoint.http(async (request, response) => {
        requests.push(await received(request))
        response.writeHead(202).end('thanks')
      }),
    )
    expect(await rig.send(endpoint)).toEqual({
      kind: 'answer',
      status: 202,
      durationMs: 0,
      snippet: 'thanks',
      cut: null,
      retryAfterMs: null,
    })
    const [request] = requests
    expect(request).toMatchObject({ method: 'POST', path: '/hook?tenant=7', body: BODY })
    expect(request!.headers).toMatchObject({
      host: `127.0.0.1:${endpoint.port}`,
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(BODY)),
      'accept-encoding': 'identity',
      'webhook-id': ID,
    })
    expect(new Webhook(SECRET).verify(BODY, request!.headers)).toEqual(JSON.parse(BODY))
    expect(verifyCallback(request!.headers, BODY, [SECRET], { now: rig.clock.now() })).toMatchObject({
      id: ID,
    })
  })

  it('keeps id and body on every attempt and signs the new time', async () => {
    const requests: Received[] = []
    const endpoint = await rig.open(
      Endpoint.http(async (request, response) => {
        requests.push(await received(request))
        response.writeHead(500).end()
      }),
    )
    const sender = rig.senderTo(endpoint)
    for (let attempt = 0; attempt < 2; attempt++) {
      await sender.send({ url: endpoint.url, id: ID, body: BODY })
      await rig.clock.advance(5_000)
    }
    const [first, second] = requests
    expect([second!.body, second!.headers['webhook-id']]).toEqual([first!.body, first!.headers['webhook-id']])
    const seconds = requests.map(({ headers }) => Number(headers['webhook-timestamp']))
    expect(seconds[1]! - seconds[0]!).toBe(5)
    expect(second!.headers['webhook-signature']).not.toBe(first!.headers['webhook-signature'])
  })

  it('is delivered over TLS to a name, by the address that was checked', async () => {
    const endpoint = await rig.open(
      Endpoint.https({ key: CERTIFICATE_KEY, cert: CERTIFICATE }, (_, response) => response.end('ok')),
    )
    const sender = rig.senderTo(endpoint, { ca: CERTIFICATE, resolve: async () => ['127.0.0.1'] })
    const url = `https://hooks.example.com:${endpoint.port}/`
    expect(await sender.send({ url, id: ID, body: BODY })).toMatchObject({ status: 200, snippet: 'ok' })
  })

  it('uses a connection again, and for a new one asks for the addresses again', async () => {
    const connectionHeaders = ['keep-alive', 'close']
    const endpoint = await rig.open(
      Endpoint.http((_, response) =>
        response.writeHead(200, { connection: connectionHeaders.shift() ?? '' }).end(),
      ),
    )
    const answers = [['127.0.0.1'], ['10.0.0.1']]
    const sender = rig.senderTo(endpoint, { resolve: async () => answers.shift() ?? [] })
    const payload = { url: `http://hooks.example.com:${endpoint.port}/`, id: ID, body: BODY }
    expect(await sender.send(payload)).toMatchObject({ status: 200 })
    expect(await sender.send(payload)).toMatchObject({ status: 200 })
    expect(endpoint.connections).toBe(1)
    await endpoint.allClosed()
    expect(await sender.send(payload)).toMatchObject({ code: 'blocked' })
    expect(endpoint.connections).toBe(1)
  })

  it('goes to the host that was judged, whatever its path looks like', async () => {
    const paths: string[] = []
    const endpoint = await rig.open(
      Endpoint.http((request, response) => {
        paths.push(request.url ?? '')
        response.end()
      }),
    )
    const path = "//evil.example/..;/@x?u=http://evil.example/&q='|{}^`"
    const url = `http://127.0.0.1:${endpoint.port}${path}`
    expect(await rig.send(endpoint, url)).toMatchObject({ status: 200 })
    expect(paths).toEqual([new URL(url).pathname + new URL(url).search])
  })

  it('honours a wish to be tried later', async () => {
    const endpoint = await rig.open(
      Endpoint.http((_, response) => response.writeHead(429, { 'retry-after': '90' }).end()),
    )
    expect(await rig.send(endpoint)).toMatchObject({ status: 429, retryAfterMs: 90_000 })
  })

  it('with an id that could not be a header is a mistake, not a delivery', async () => {
    const endpoint = await rig.open(Endpoint.raw(() => {}))
    const sending = rig.senderTo(endpoint).send({ url: endpoint.url, id: 'a\r\nb', body: BODY })
    await expect(sending).rejects.toMatchObject({ code: 'invalid_argument' })
    expect(endpoint.connections).toBe(0)
  })
})

describe('a sender', () => {
  it('takes what the configuration says about callbacks as it is', async () => {
    const endpoint = await rig.open(Endpoint.http((_, response) => response.end()))
    const configured = resolveCallbacks({
      secrets: [SECRET],
      allowHttp: true,
      allowPorts: [endpoint.port],
      allowAddresses: ['127.0.0.0/8', '::1/128'],
      allowHosts: ['localhost'],
    })
    const sender = createCallbackSender({ ...configured, clock: rig.clock })
    const url = `http://localhost:${endpoint.port}/`
    expect(await sender.send({ url, id: ID, body: BODY })).toMatchObject({ status: 200 })
    await sender.close()
  })

  it('needs secrets and ranges that are some', () => {
    const options = { secrets: [SECRET], timeoutMs: TIMEOUT_MS, clock: rig.clock }
    expect(() => createCallbackSender({ ...options, secrets: [] })).toThrow('callback secrets')
    expect(() => createCallbackSender({ ...options, allowAddresses: ['x'] })).toThrow('allowAddresses[0]')
  })

  it('that closes calls off what is under way', async () => {
    const endpoint = await rig.open(Endpoint.raw(() => {}))
    const sender = rig.senderTo(endpoint)
    const sending = sender.send({ url: endpoint.url, id: ID, body: BODY })
    await endpoint.requested()
    await sender.close()
    expect(await sending).toMatchObject({ kind: 'fault', code: 'aborted' })
    await endpoint.allClosed()
    expect(await sender.send({ url: endpoint.url, id: ID, body: BODY })).toMatchObject({ code: 'aborted' })
  })

  it('that was closed before its first delivery makes none', async () => {
    const endpoint = await rig.open(Endpoint.raw(() => {}))
    const sender = rig.senderTo(endpoint)
    await sender.close()
    const payload = { url: endpoint.url, id: ID, body: BODY }
    expect(await sender.send(payload)).toMatchObject({ code: 'aborted' })
    expect(endpoint.connections).toBe(0)
  })

  it('that is closed with its first delivery calls it off', async () => {
    const endpoint = await rig.open(Endpoint.raw(() => {}))
    const sender = rig.senderTo(endpoint)
    const sending = sender.send({ url: endpoint.url, id: ID, body: BODY })
    await sender.close()
    expect(await sending).toMatchObject({ code: 'aborted' })
  })

  it('lets its caller call a delivery off, before and while it runs', async () => {
    const endpoint = await rig.open(Endpoint.raw(() => {}))
    const sender = rig.senderTo(endpoint)
    const payload = { url: endpoint.url, id: ID, body: BODY }
    expect(await sender.send(payload, { signal: AbortSignal.abort() })).toMatchObject({ code: 'aborted' })
    const stop = new AbortController()
    const sending = sender.send(payload, { signal: stop.signal })
    await endpoint.requested()
    expect(getEventListeners(stop.signal, 'abort')).not.toHaveLength(0)
    stop.abort()
    expect(await sending).toMatchObject({ kind: 'fault', code: 'aborted' })
    await endpoint.allClosed()
    expect(rig.clock.pending).toBe(0)
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0)
  })
})

describe('the guard', () => {
  it.each([
    ['http://localhost:PORT/', {}],
    ['http://127.1:PORT/', { allowAddresses: [] }],
    ['http://0x7f000001:PORT/', { allowAddresses: [] }],
    ['http://[::ffff:127.0.0.1]:PORT/', {}],
    ['http://127.0.0.1:PORT/', { allowPorts: [] }],
    ['http://127.0.0.1:PORT/', { allowHttp: false }],
    ['http://user:password@127.0.0.1:PORT/', {}],
    ['http://hooks.example.com:PORT/', { resolve: async () => ['127.0.0.1', '169.254.169.254'] }],
    ['http://hooks.example.com:PORT/', { allowAddresses: [], resolve: async () => ['127.0.0.1'] }],
  ])('makes no connection to %s with %j', async (url, options) => {
    const endpoint = await rig.open(Endpoint.raw(() => {}))
    const result = await rig.senderTo(endpoint, options).send({
      url: url.replace('PORT', String(endpoint.port)),
      id: ID,
      body: BODY,
    })
    expect(result).toMatchObject({ kind: 'fault', code: 'blocked' })
    expect(endpoint.connections).toBe(0)
  })

  it('lets an operator vouch for a name the machine knows', async () => {
    const endpoint = await rig.open(Endpoint.http((_, response) => response.end()))
    const sender = rig.senderTo(endpoint, {
      allowHosts: ['localhost'],
      allowAddresses: ['127.0.0.0/8', '::1/128'],
    })
    const url = `http://localhost:${endpoint.port}/`
    expect(await sender.send({ url, id: ID, body: BODY })).toMatchObject({ status: 200 })
  })

  it.each([301, 302, 303, 307, 308])('does not follow a redirect by %i', async (status) => {
    const elsewhere = await rig.open(Endpoint.raw(() => {}))
    const endpoint = await rig.open(
      Endpoint.http((_, response) => response.writeHead(status, { location: elsewhere.url }).end()),
    )
    const sender = rig.senderTo(endpoint, { allowPorts: [endpoint.port, elsewhere.port] })
    expect(await sender.send({ url: endpoint.url, id: ID, body: BODY })).toMatchObject({ status })
    expect(elsewhere.connections).toBe(0)
  })
})
