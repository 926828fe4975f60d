import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type HttpKit, startHttp } from '../../test/http/http-kit.js'
import { SCHEMAS } from './schemas.js'

let kit: HttpKit
beforeAll(async () => {
  kit = await startHttp({
    limits: { headersTimeoutMs: 5_000, bodyTimeoutMs: 5_000, socketTimeoutMs: 10_000 },
  })
})
afterAll(() => kit.close())

const stillAnswers = async (): Promise<void> => {
  expect((await kit.get('/livez')).status).toBe(200)
}

/** Statuses of all answers on a connection, once the server has closed it. */
async function statusesOf(bytes: Uint8Array): Promise<number[]> {
  const connection = kit.socket()
  connection.send(Buffer.from(bytes))
  connection.socket.end()
  return [...(await connection.closed).matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) => Number(status))
}

const path = fc.oneof(
  fc.webPath(),
  fc.constantFrom(
    '/v1/commands/echo',
    '/v1/commands:bulk',
    '/v1/commands/echo:bulk',
    '/v1/commands',
    '/v1/queues/default/pause',
    '/v1/queues/default/limit',
    '/v1/nodes',
    '/v1/dead-letters',
    '/v1/dead-letters/groups',
    '/v1/completions',
    '/v1/operations',
    '/v1/callbacks',
    '/v1/callbacks/endpoints',
    '/v1/callbacks/endpoints/enable',
    '/v1/audit',
  ),
  fc
    .string({ unit: 'binary-ascii', maxLength: 60 })
    .map((text) => `/v1/commands/${encodeURIComponent(text)}`),
)
const query = fc.oneof(
  fc.constant(''),
  fc.webQueryParameters().map((text) => `?${text}`),
  fc.constantFrom('?wait=0', '?limit=1', '?atomic', '?items=all', '?__proto__=1', '?a[b]=1'),
)
const method = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH')
const contentType = fc.constantFrom(
  'application/json',
  'application/x-ndjson',
  'text/plain',
  'application/json; charset=utf-16',
  ';',
  'application/json;;=',
)
const body = fc.oneof(
  fc.json(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', '{', '[]', '[[', '{"type":"echo","payload":1}', '\n\n1\n{', '{"__proto__":{}}'),
)
const headerValue = fc.string({
  unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
  maxLength: 40,
})

describe('whatever is sent', () => {
  it('is answered below 500, with a problem document when refused', async () => {
    const anyRequest = fc.record({
      path,
      query,
      method,
      contentType,
      body,
      key: fc.option(headerValue),
      prefer: fc.option(fc.constantFrom('wait=0', 'wait=x', 'respond-async')),
    })
    await fc.assert(
      fc.asyncProperty(anyRequest, async (request) => {
        const { method: verb } = request
        const hasBody = verb !== 'GET' && verb !== 'HEAD'
        const response = await fetch(`${kit.url}${request.path}${request.query}`, {
          method: verb,
          headers: {
            ...(hasBody ? { 'content-type': request.contentType } : {}),
            ...(request.key === null ? {} : { 'idempotency-key': request.key }),
            ...(request.prefer === null ? {} : { prefer: request.prefer }),
          },
          ...(hasBody ? { body: Buffer.from(request.body) } : {}),
        })
        const text = await response.text()
        expect(response.status).toBeLessThan(500)
        if (response.status >= 400 && verb !== 'HEAD')
          expect(SCHEMAS.Problem.parse(JSON.parse(text)).status).toBe(response.status)
      }),
      { numRuns: 400 },
    )
    await stillAnswers()
  })

  it('never stops the server, raw bytes included', async () => {
    const head = fc
      .record({
        method: fc.oneof(method, fc.constantFrom('get', 'G\u0000T', 'CONNECT', 'TRACE')),
        path: fc.oneof(path, fc.constantFrom('*', '//', 'http://x/', '/%', '/%00', '/a b')),
        headers: fc.array(
          fc.tuple(
            fc.constantFrom(
              'Host',
              'Content-Length',
              'Transfer-Encoding',
              'Expect',
              'Upgrade',
              'Connection',
              'X',
            ),
            headerValue,
          ),
          { maxLength: 6 },
        ),
      })
      .map(({ method: verb, path: target, headers }) =>
        Buffer.from(
          `${verb} ${target} HTTP/1.1\r\nHost: localhost\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
          'latin1',
        ),
      )
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.tuple(head, fc.uint8Array({ maxLength: 100 })).map(([start, rest]) => Buffer.concat([start, rest])),
    )
    await fc.assert(
      fc.asyncProperty(bytes, async (sent) => {
        for (const status of await statusesOf(sent)) expect(status).toBeLessThan(500)
      }),
      { numRuns: 150 },
    )
    await stillAnswers()
  })

  it('as NDJSON gets one verdict per line, whatever the lines are', async () => {
    const line = fc
      .oneof(
        fc.json(),
        fc.string({ unit: 'binary' }),
        fc.constantFrom('', ' ', '{"id":"a","n":1}', '{"id":"b","n":"x"}', '[', '"'),
      )
      .map((text) => text.replaceAll('\n', ''))
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 40 }), async (texts) => {
        const sent = texts.join('\n')
        const answer = await kit.post('/v1/commands/click.record:bulk?items=all', Buffer.from(sent), {
          headers: { 'content-type': 'application/x-ndjson' },
        })
        const verdicts = answer.text
          .trimEnd()
          .split('\n')
          .map((each) => JSON.parse(each))
        const end = SCHEMAS.StreamEnd.parse(verdicts.pop())
        const expected = texts
          .map((text, index) => [index + 1, text] as const)
          .filter(([, text]) => text.trim() !== '')
        expect(verdicts.map((verdict) => SCHEMAS.BulkVerdict.parse(verdict).line)).toEqual(
          expected.map(([number]) => number),
        )
        expect(end.accepted + end.duplicates + end.rejected).toBe(expected.length)
      }),
      { numRuns: 100 },
    )
    await stillAnswers()
  })
})
