import { afterEach, describe, expect, it } from 'vitest'
import {
  type Answer,
  type HttpKit,
  type KitOptions,
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

describe('POST /v1/commands/{type}', () => {
  it('answers 202 with a receipt and where the command can be read', async () => {
    const { post, get } = await start()
    const answer = await post('/v1/commands/echo', { hello: 'world' })
    expect(answer.status).toBe(202)
    expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(SCHEMAS.Receipt.parse(answer.json)).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{32}-0$/),
      type: 'echo',
      queue: 'default',
      status: 'accepted',
      duplicate: false,
      acceptedAt: expect.any(String),
      durability: 'memory',
      links: { self: `/v1/commands/${answer.json.id}` },
    })
    expect(answer.headers.get('location')).toBe(`/v1/commands/${answer.json.id}`)
    expect((await get(`${answer.headers.get('location')}?wait=20`)).json).toMatchObject({
      state: 'succeeded',
      result: { hello: 'world' },
    })
  })

  it.each([null, 7, 'text', true, [], { a: [{ b: null }] }])(
    'takes any JSON as payload: %j',
    async (payload) => {
      const { post } = await start()
      const answer = await post('/v1/commands/echo', JSON.stringify(payload), {
        headers: { prefer: 'wait=20' },
      })
      expect(answer.json.result).toEqual(payload)
    },
  )

  it('gives many concurrent callers a receipt each', async () => {
    const { post, spillway } = await start()
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, n) => post('/v1/commands/click.record', { id: `c-${n}`, n })),
    )
    expect(new Set(answers.map((answer) => answer.json.id)).size).toBe(100)
    await spillway.drain()
    expect(await spillway.accounting()).toMatchObject({ accepted: 100, succeeded: 100 })
  })

  describe('with Prefer: wait', () => {
    it('answers 200 with the outcome when it came in time', async () => {
      const { post } = await start()
      const answer = await post('/v1/commands/letter', { end: 'ok' }, { headers: { prefer: 'wait=20' } })
      expect(answer.status).toBe(200)
      expect(answer.headers.get('preference-applied')).toBe('wait=20')
      expect(SCHEMAS.Command.parse(answer.json)).toMatchObject({
        state: 'succeeded',
        result: 'sent',
        attempts: 1,
      })
    })

    it('answers 200 when the command failed: the outcome is known', async () => {
      const { post } = await start()
      const answer = await post('/v1/commands/letter', { end: 'failed' }, { headers: { prefer: 'wait=20' } })
      expect(answer.status).toBe(200)
      expect(answer.json).toMatchObject({ state: 'failed', error: { message: 'address rejected' } })
    })

    it('answers 202 with the receipt when it did not', async () => {
      const { post } = await start({ create: { roles: ['intake'] } })
      const answer = await post('/v1/commands/echo', {}, { headers: { prefer: 'wait=0' } })
      expect(answer.status).toBe(202)
      expect(answer.headers.get('preference-applied')).toBe('wait=0')
      expect(SCHEMAS.Receipt.safeParse(answer.json).success).toBe(true)
    })

    it('waits no longer than the server allows', async () => {
      const { post } = await start({ create: { roles: ['intake'] }, limits: { waitSecondsMax: 1 } })
      const answer = await post('/v1/commands/echo', {}, { headers: { prefer: 'wait=3600' } })
      expect(answer.status).toBe(202)
      expect(answer.headers.get('preference-applied')).toBe('wait=1')
    })
  })

  describe('with an Idempotency-Key', () => {
    it.each(['order-1', '"order-1"'])(
      'answers a repeat with the first id and duplicate: true (%s)',
      async (key) => {
        const { post } = await start()
        const headers = { 'idempotency-key': key }
        const first = await post('/v1/commands/echo', { n: 1 }, { headers })
        const again = await post('/v1/commands/echo', { n: 1 }, { headers: { 'idempotency-key': 'order-1' } })
        expect(again.status).toBe(202)
        expect(again.json).toMatchObject({ id: first.json.id, status: 'duplicate', duplicate: true })
      },
    )

    it('answers 422 when the key was used with another payload', async () => {
      const { post } = await start()
      const headers = { 'idempotency-key': 'order-1' }
      const first = await post('/v1/commands/echo', { n: 1 }, { headers })
      const other = await post('/v1/commands/echo', { n: 2 }, { headers })
      expect(other.status).toBe(422)
      expect(SCHEMAS.Problem.parse(other.json)).toMatchObject({
        code: 'idempotency_conflict',
        details: { id: first.json.id },
      })
    })

    it.each([
      ['256 characters', 'k'.repeat(256)],
      ['bytes beyond ASCII', 'caf\u00e9'],
      ['a quote without an end', '"abc'],
    ])('answers 400 to a key of %s', async (_, key) => {
      const { post, spillway } = await start()
      const answer = await post('/v1/commands/echo', {}, { headers: { 'idempotency-key': key } })
      expect(answer.status).toBe(400)
      expect(answer.json).toMatchObject({ code: 'invalid_key', type: 'urn:spillway:problem:invalid_key' })
      expect(await spillway.accounting()).toMatchObject({ accepted: 0 })
    })
  })

  describe('with a time', () => {
    it.each([
      ['runAt as ISO', 'runAt=2999-01-01T00:00:00Z', undefined],
      ['delay as text', 'delay=1h', 'scheduled'],
      ['delay in ms', 'delay=3600000', 'scheduled'],
      ['delay 0', 'delay=0', 'accepted'],
      ['runAt in the past', 'runAt=2020-01-01T00:00:00%2B02:00', 'accepted'],
    ])('takes %s', async (_, query, state) => {
      const { post, get } = await start({ create: { roles: ['intake'] } })
      const answer = await post(`/v1/commands/echo?${query}`, {})
      if (state === undefined) expect(answer.json).toMatchObject({ status: 400, code: 'invalid_argument' })
      else expect((await get(answer.json.links.self)).json.state).toBe(state)
    })

    it('takes a priority', async () => {
      const { post, get } = await start({ create: { roles: ['intake'] } })
      const answer = await post('/v1/commands/echo?priority=-7', {})
      expect((await get(answer.json.links.self)).json.priority).toBe(-7)
    })

    it.each([
      'priority=101',
      'priority=1.5',
      'priority=',
      'priority=1&priority=2',
      'runAt=tomorrow',
      'delay=5y',
      'delay=-1',
      'state=succeeded',
      'token=7',
      'delay=1s&runAt=1',
    ])('answers 400 to ?%s', async (query) => {
      const { post, spillway } = await start()
      const answer = await post(`/v1/commands/echo?${query}`, {})
      expect(answer.status).toBe(400)
      expect(answer.json.code).toBe('invalid_argument')
      expect(await spillway.accounting()).toMatchObject({ accepted: 0 })
    })
  })
})

describe('bad input to POST /v1/commands/{type}', () => {
  it('answers 404 to an unknown type', async () => {
    const { post } = await start()
    const answer = await post('/v1/commands/nothing.here', {})
    expect(answer.status).toBe(404)
    expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
    expect(SCHEMAS.Problem.parse(answer.json).code).toBe('unknown_command')
  })

  it('answers 422 to an invalid payload and points at the fault', async () => {
    const { post } = await start()
    const answer = await post('/v1/commands/click.record', { id: 'a', n: 'secret-value' })
    expect(answer.status).toBe(422)
    expect(answer.json).toMatchObject({ code: 'invalid_payload', errors: [{ pointer: '#/n' }] })
    expect(answer.text).not.toContain('secret-value')
  })

  it.each(['', '{', '{"a":1} x', '\ufeff{}x'])('answers 400 to the malformed body %j', async (body) => {
    const { post } = await start()
    const answer = await post('/v1/commands/echo', body)
    expect(answer.status).toBe(400)
    expect(answer.json.code).toBe('malformed_json')
  })

  it('answers 400 to bytes that are not UTF-8', async () => {
    const { post } = await start()
    expect((await post('/v1/commands/echo', new Uint8Array([0x22, 0xc3, 0x28, 0x22]))).json.code).toBe(
      'malformed_json',
    )
  })

  it('answers 400 to JSON that is too deep or poisons prototypes', async () => {
    const { post } = await start()
    expect((await post('/v1/commands/echo', `${'['.repeat(65)}${']'.repeat(65)}`)).json.code).toBe(
      'malformed_json',
    )
    expect((await post('/v1/commands/echo', '{"a":{"__proto__":{"x":1}}}')).json.code).toBe('malformed_json')
    expect((await post('/v1/commands/echo', '{"constructor":{"prototype":{}}}')).json.code).toBe(
      'malformed_json',
    )
  })

  it('answers 413 to a body over the limit and to a payload over what a command may have', async () => {
    const { post } = await start({ limits: { bodyBytesMax: 2 * 1024 * 1024 } })
    const tooLarge = await post('/v1/commands/echo', 'x'.repeat(2 * 1024 * 1024 + 1))
    expect([tooLarge.status, tooLarge.json.code]).toEqual([413, 'body_too_large'])
    const tooLargePayload = await post('/v1/commands/echo', 'x'.repeat(1024 * 1024 + 1))
    expect(tooLargePayload.json.code).toBe('malformed_json')
    const payload = await post('/v1/commands/echo', JSON.stringify('x'.repeat(1024 * 1024)))
    expect([payload.status, payload.json.code]).toEqual([413, 'payload_too_large'])
  })

  it.each([
    ['text/plain', undefined],
    ['application/x-www-form-urlencoded', undefined],
    ['application/x-ndjson', undefined],
    ['application/json', 'gzip'],
    ['', undefined],
    ['nonsense', undefined],
  ])('answers 415 to content type %j with encoding %j', async (type, encoding) => {
    const { post } = await start()
    const headers = {
      'content-type': type,
      ...(encoding === undefined ? {} : { 'content-encoding': encoding }),
    }
    const answer = await post('/v1/commands/echo', '{}', { headers })
    expect(answer.status).toBe(415)
    expect(answer.json.code).toBe('unsupported_media_type')
  })

  it('answers 415 when there is no body at all', async () => {
    const { post } = await start()
    expect((await post('/v1/commands/echo')).json.code).toBe('unsupported_media_type')
  })

  it('answers 503 with Retry-After while the queue is full, and takes more when it is not', async () => {
    const inner: Store = memory()
    let release = (): void => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    const slow = withStore(inner, {
      append: async (drafts, options) => released.then(() => inner.append(drafts, options)),
    })
    const { post } = await start({
      config: { store: slow, queues: { default: { channel: storeChannel({ maxItems: 1 }) } } },
    })
    // One of them fills the queue and waits for its commit; the others are refused at once.
    const answers = [1, 2, 3].map((n) => post('/v1/commands/echo', n))
    const refused: Answer[] = []
    await new Promise<void>((resolve) => {
      for (const answer of answers) void answer.then((each) => refused.push(each) === 2 && resolve())
    })
    for (const full of refused) {
      expect(full.status).toBe(503)
      expect(full.headers.get('retry-after')).toBe('1')
      expect(full.json).toMatchObject({ code: 'queue_full', retryable: true })
    }
    release()
    expect((await Promise.all(answers)).map(({ status }) => status).sort()).toEqual([202, 503, 503])
    expect((await post('/v1/commands/echo', 4)).status).toBe(202)
  })

  it('answers 503 while the store is down, acknowledges nothing and is not ready', async () => {
    const inner: Store = memory()
    const { post, get, spillway } = await start({
      config: { store: withStore(inner, { append: storeDown, probe: storeDown }) },
    })
    const answer = await post('/v1/commands/echo', 1)
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('1')
    expect(answer.json).toMatchObject({ code: 'store_unavailable', details: { reason: 'busy' } })
    expect(await spillway.accounting()).toMatchObject({ accepted: 0 })
    expect((await get('/readyz')).status).toBe(503)
    expect((await get('/livez')).status).toBe(200)
  })

  it('answers 503 once the Spillway is closed', async () => {
    const { post, spillway, get } = await start()
    await spillway.close()
    expect((await post('/v1/commands/echo', 1)).json).toMatchObject({ status: 503, code: 'closed' })
    expect((await get('/readyz')).json).toEqual({ status: 'not_ready' })
  })
})
