import { once } from 'node:events'
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import {
  type HttpKit,
  type KitOptions,
  NDJSON,
  startHttp,
  storeDown,
  withStore,
} from '../../test/http/http-kit.js'
import { store as storeChannel } from '../config/index.js'
import type { Store } from '../ports/index.js'
import { memory } from '../stores/memory/index.js'
import { SCHEMAS } from './schemas.js'

let kit: HttpKit
const start = async (options?: KitOptions): Promise<HttpKit> => {
  kit = await startHttp(options)
  return kit
}
afterEach(() => kit.close())

const lines = (count: number, from = 0): string =>
  Array.from({ length: count }, (_, n) => `{"id":"c-${from + n}","n":${from + n}}\n`).join('')

/** A request whose body is written bit by bit. */
function open(path: string): { request: ClientRequest; response: Promise<IncomingMessage> } {
  const request = httpRequest(`${kit.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
  })
  const response = once(request, 'response').then(([message]) => message as IncomingMessage)
  response.catch(() => {})
  request.on('error', () => {})
  return { request, response }
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of response) text += String(chunk)
  return text
}

describe('POST NDJSON', () => {
  it('takes every line and answers 202 with the totals', async () => {
    const { post, spillway } = await start()
    const answer = await post('/v1/commands/click.record:bulk', lines(5_000), NDJSON)
    expect(answer.status).toBe(202)
    expect(SCHEMAS.StreamResult.parse(answer.json)).toEqual({
      errors: false,
      accepted: 5_000,
      duplicates: 0,
      rejected: 0,
      lines: 5_000,
      items: [],
    })
    expect(await spillway.accounting()).toMatchObject({ accepted: 5_000 })
  })

  it('takes lines of any types on /v1/commands:bulk, with options', async () => {
    const { post, spillway } = await start()
    const body = [
      { type: 'click.record', payload: { id: 'a', n: 1 } },
      { type: 'echo', payload: [1], key: 'k', priority: 3 },
      { type: 'echo', payload: [1], key: 'k' },
      { type: 'nothing', payload: 1 },
    ]
    const answer = await post(
      '/v1/commands:bulk',
      body.map((item) => JSON.stringify(item)).join('\r\n'),
      NDJSON,
    )
    expect(answer.status).toBe(207)
    expect(SCHEMAS.StreamResult.parse(answer.json)).toMatchObject({
      errors: true,
      accepted: 2,
      duplicates: 1,
      rejected: 1,
      lines: 4,
      items: [{ index: 3, line: 4, status: 'rejected', error: { code: 'unknown_command', status: 404 } }],
    })
    expect(await spillway.accounting()).toMatchObject({ accepted: 2 })
  })

  it('reports malformed lines by their number and keeps the good ones', async () => {
    const { post, spillway } = await start()
    const body = [
      '{"id":"a","n":1}',
      'oops',
      '',
      '{"id":"b"}',
      '{"id":"c","n":3}',
      '{"__proto__":1}',
      '[1',
      '{"id":"d","n":4}',
    ].join('\n')
    const answer = await post('/v1/commands/click.record:bulk', body, NDJSON)
    expect(answer.status).toBe(207)
    expect(answer.json).toMatchObject({ errors: true, accepted: 3, rejected: 4, lines: 8 })
    expect(
      answer.json.items.map(
        ({
          line,
          index,
          error,
        }: {
          line: number
          index: number
          error: { code: string; status: number }
        }) => [line, index, error.code, error.status],
      ),
    ).toEqual([
      [2, 1, 'malformed_json', 400],
      [4, 2, 'invalid_payload', 422],
      [6, 4, 'malformed_json', 400],
      [7, 5, 'malformed_json', 400],
    ])
    expect(await spillway.accounting()).toMatchObject({ accepted: 3 })
  })

  it('names the first failed lines only, and counts all', async () => {
    const { post } = await start({ limits: { failuresShownMax: 5 } })
    const answer = await post('/v1/commands/echo:bulk', 'x\n'.repeat(2_500), NDJSON)
    expect(answer.json).toMatchObject({ accepted: 0, rejected: 2_500, lines: 2_500 })
    expect(answer.json.items.map(({ line }: { line: number }) => line)).toEqual([1, 2, 3, 4, 5])
  })

  it('drops a line that is too long and goes on', async () => {
    const { post } = await start({ limits: { lineBytesMax: 100 } })
    const answer = await post('/v1/commands/echo:bulk', `1\n"${'x'.repeat(200_000)}"\n3\n`, NDJSON)
    expect(answer.json).toMatchObject({
      accepted: 2,
      rejected: 1,
      items: [{ line: 2, error: { status: 413, code: 'line_too_large' } }],
    })
  })

  it('takes an empty stream', async () => {
    const { post } = await start()
    const answer = await post('/v1/commands/echo:bulk', '\n\n', NDJSON)
    expect([answer.status, answer.json]).toMatchObject([202, { accepted: 0, items: [] }])
    expect((await post('/v1/commands/echo:bulk', '', NDJSON)).status).toBe(202)
  })

  it('stores lines as they come, not when the stream ends', async () => {
    const { spillway } = await start()
    const { request, response } = open('/v1/commands/click.record:bulk?items=all')
    request.write(lines(3))
    const [first] = await once(await response, 'data')
    expect(String(first)).toContain('"status":"accepted"')
    expect(await spillway.accounting()).toMatchObject({ accepted: 3 })
    request.end()
  })

  it('keeps the lines of a client that goes away, and does not take the half line', async () => {
    const { spillway } = await start()
    const { request, response } = open('/v1/commands/click.record:bulk?items=all')
    request.write(`${lines(3)}{"id":"c-3","n":3}`)
    await once(await response, 'data')
    request.destroy()
    await kit.server.close()
    expect(await spillway.accounting()).toMatchObject({ accepted: 3 })
  })

  it('keeps commands of one stream in order', async () => {
    const seen: number[] = []
    const { post, spillway } = await start({
      create: { roles: ['intake'] },
      config: { queues: { default: { channel: storeChannel({ maxItems: 7, whenFull: 'block' }) } } },
    })
    await post('/v1/commands/echo:bulk', Array.from({ length: 2_000 }, (_, n) => `${n}\n`).join(''), NDJSON)
    let after: string | undefined
    do {
      const page = await spillway.list({ limit: 500, ...(after === undefined ? {} : { after }) })
      for (const { id } of page.items)
        seen.push(Number((await spillway.outcome(id, { payload: true })).payload))
      after = page.next ?? undefined
    } while (after !== undefined)
    expect(seen.reverse()).toEqual(Array.from({ length: 2_000 }, (_, n) => n))
  })

  it('waits for room in a small queue instead of refusing lines', async () => {
    const { post } = await start({
      config: { queues: { default: { channel: storeChannel({ maxItems: 3, whenFull: 'abort' }) } } },
    })
    const answer = await post('/v1/commands/echo:bulk', '1\n'.repeat(500), NDJSON)
    expect(answer.json).toMatchObject({ accepted: 500, rejected: 0 })
  })

  it('reads no faster than the store takes', async () => {
    const inner: Store = memory()
    let release = (): void => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    let offered = 0
    await start({
      config: {
        store: withStore(inner, {
          append: async (drafts, options) => {
            offered += drafts.reduce((sum, draft) => sum + draft.size, 0)
            await released
            return inner.append(drafts, options)
          },
        }),
      },
    })
    const { request, response } = open('/v1/commands/echo:bulk')
    let written = 0
    // Until the buffers of both sides are full, and the rest waits here.
    do {
      request.write(block)
      written += BLOCK_LINES
    } while (!(await stuck(request)))
    expect(offered).toBeLessThan(written)
    release()
    request.end()
    expect(JSON.parse(await textOf(await response))).toMatchObject({ accepted: written, rejected: 0 })
  })

  describe('when the store fails in the middle', () => {
    const failingAfter = (appends: number) => {
      const inner: Store = memory()
      let left = appends
      return withStore(inner, {
        append: (drafts, options) => {
          left -= 1
          return left >= 0 ? inner.append(drafts, options) : storeDown()
        },
      })
    }

    it('answers 503 and says from which line to send again', async () => {
      const { post, spillway } = await start({
        config: { store: failingAfter(2) },
        create: { roles: ['intake'] },
      })
      const answer = await post('/v1/commands/click.record:bulk', lines(100_000), NDJSON)
      expect(answer.status).toBe(503)
      expect(answer.headers.get('retry-after')).toBe('1')
      const problem = SCHEMAS.Problem.parse(answer.json)
      expect(problem.code).toBe('store_unavailable')
      const { accepted } = await spillway.accounting()
      expect(accepted).toBeGreaterThan(0)
      expect(problem.details).toMatchObject({
        accepted,
        rejected: expect.any(Number),
        resumeAtLine: expect.any(Number),
      })
      expect(problem.details?.resumeAtLine).toBeLessThanOrEqual(100_000)
    })

    it('ends a streamed answer with what happened', async () => {
      const { post } = await start({ config: { store: failingAfter(0) } })
      const answer = await post('/v1/commands/click.record:bulk?items=all', lines(10), NDJSON)
      expect(answer.status).toBe(200)
      expect(SCHEMAS.StreamEnd.parse(answer.json)).toMatchObject({
        accepted: 0,
        done: true,
        stopped: { code: 'store_unavailable', status: 503, details: { resumeAtLine: 1 } },
      })
    })
  })
})

describe('?items=all', () => {
  it('streams one verdict per line, in order, and the totals as the last line', async () => {
    const { post } = await start()
    const body = `${lines(2_000)}oops\n\n${lines(1)}`
    const answer = await post('/v1/commands/click.record:bulk?items=all', body, NDJSON)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('application/x-ndjson')
    const answers = answer.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    const end = SCHEMAS.StreamEnd.parse(answers.pop())
    expect(end).toEqual({
      errors: true,
      accepted: 2_000,
      duplicates: 1,
      rejected: 1,
      lines: 2_003,
      done: true,
    })
    const verdicts = answers.map((line) => SCHEMAS.BulkVerdict.parse(line))
    expect(verdicts.map(({ index }) => index)).toEqual(Array.from({ length: 2_002 }, (_, index) => index))
    expect(verdicts[2_000]).toMatchObject({
      line: 2_001,
      status: 'rejected',
      error: { code: 'malformed_json' },
    })
    expect(verdicts[2_001]).toMatchObject({ line: 2_003, status: 'duplicate', id: verdicts[0]?.id })
  })
})

describe('a stream that stands still', () => {
  it('is ended with what was taken so far', async () => {
    await start({ limits: { bodyTimeoutMs: 100 } })
    const { request, response } = open('/v1/commands/click.record:bulk')
    request.write(lines(3))
    const message = await response
    expect(message.statusCode).toBe(408)
    expect(JSON.parse(await textOf(message))).toMatchObject({
      code: 'request_timeout',
      details: { accepted: 3, resumeAtLine: 4 },
    })
  })

  it('does not keep the server from closing', async () => {
    await start()
    const { request, response } = open('/v1/commands/click.record:bulk?items=all')
    request.write(lines(3))
    const message = await response
    await once(message, 'data')
    const closed = kit.server.close()
    expect(await textOf(message)).toContain('"stopped":{"type":"urn:spillway:problem:closed"')
    await closed
  })
})

const BLOCK_LINES = 100
const block = `"${'x'.repeat(10_000)}"\n`.repeat(BLOCK_LINES)

/** Whether bytes wait on this side, and none left while the server answered others. */
async function stuck(request: ClientRequest): Promise<boolean> {
  const before = request.socket?.bytesWritten
  for (let turn = 0; turn < 10; turn += 1) await kit.get('/livez')
  return request.writableLength > 0 && request.socket?.bytesWritten === before
}
