import { afterEach, describe, expect, it } from 'vitest'
import { type HttpKit, type KitOptions, startHttp, storeDown, withStore } from '../../test/http/http-kit.js'
import { memory } from '../stores/memory/index.js'
import { SCHEMAS } from './schemas.js'

let kit: HttpKit
const start = async (options?: KitOptions): Promise<HttpKit> => {
  kit = await startHttp(options)
  return kit
}
afterEach(() => kit.close())

describe('POST /v1/commands:bulk with a JSON array', () => {
  it('answers 202 with one verdict per command, in order, when all were accepted', async () => {
    const { post, spillway } = await start()
    const answer = await post('/v1/commands:bulk', [
      { type: 'click.record', payload: { id: 'a', n: 1 } },
      { type: 'echo', payload: null },
      { type: 'click.record', payload: { id: 'b', n: 2 } },
      { type: 'click.record', payload: { id: 'a', n: 1 } },
    ])
    expect(answer.status).toBe(202)
    const result = SCHEMAS.BulkResult.parse(answer.json)
    expect(result).toMatchObject({ errors: false, accepted: 3, duplicates: 1, rejected: 0 })
    expect(result.items.map(({ index, status }) => [index, status])).toEqual([
      [0, 'accepted'],
      [1, 'accepted'],
      [2, 'accepted'],
      [3, 'duplicate'],
    ])
    expect(result.items[3]?.id).toBe(result.items[0]?.id)
    await spillway.drain()
    expect(await spillway.accounting()).toMatchObject({ accepted: 3, succeeded: 3 })
  })

  it('answers 207 when some failed, and refuses only those', async () => {
    const { post, spillway } = await start()
    const answer = await post('/v1/commands:bulk', [
      { type: 'click.record', payload: { id: 'a', n: 1 } },
      { type: 'click.record', payload: { id: 'b', n: 'two' } },
      { type: 'nothing', payload: 1 },
      { type: 'click.record', payload: { id: 'a', n: 2 } },
      7,
      { type: 'echo' },
      { payload: 1 },
      { type: 'echo', payload: 1, status: 'succeeded' },
      { type: 'echo', payload: 1, key: 'k\u0000' },
      { type: 'echo', payload: 1, key: 7 },
      { type: 'echo', payload: 1, priority: 1000 },
      { type: 'echo', payload: 1, priority: '1' },
      { type: 'echo', payload: 1, runAt: 'tomorrow' },
      { type: 'echo', payload: 1, delay: {} },
      { type: 'echo', payload: 1, delay: 'soon' },
      { type: 'echo', payload: 'last' },
    ])
    expect(answer.status).toBe(207)
    const result = SCHEMAS.BulkResult.parse(answer.json)
    expect(result).toMatchObject({ errors: true, accepted: 2, duplicates: 0, rejected: 14 })
    expect(result.items.map(({ status, error }) => error?.code ?? status)).toEqual([
      'accepted',
      'invalid_payload',
      'unknown_command',
      'idempotency_conflict',
      ...Array(4).fill('invalid_argument'),
      'invalid_key',
      ...Array(6).fill('invalid_argument'),
      'accepted',
    ])
    expect(result.items[1]?.error).toMatchObject({ status: 422, errors: [{ pointer: '#/n' }] })
    expect(await spillway.accounting()).toMatchObject({ accepted: 2 })
  })

  it('takes key, priority, runAt and delay per command', async () => {
    const { post, get } = await start({ create: { roles: ['intake'] } })
    const { json } = await post('/v1/commands:bulk', [
      { type: 'echo', payload: 1, key: 'k', priority: 9 },
      { type: 'echo', payload: 1, key: 'k' },
      { type: 'echo', payload: 1, runAt: '2020-01-01T00:00:00Z' },
      { type: 'echo', payload: 1, delay: '1h' },
      { type: 'echo', payload: 1, delay: 3_600_000 },
      { type: 'echo', payload: 1 },
    ])
    const views = await Promise.all(
      json.items.map(async ({ id }: { id: string }) => (await get(`/v1/commands/${id}`)).json),
    )
    expect(json.items[1]).toMatchObject({ status: 'duplicate', id: json.items[0].id })
    expect(views.map(({ state, priority }) => [state, priority])).toEqual([
      ['accepted', 9],
      ['accepted', 9],
      ['accepted', 0],
      ['scheduled', 0],
      ['scheduled', 0],
      ['accepted', 0],
    ])
  })

  it('takes an empty list', async () => {
    const { post } = await start()
    const answer = await post('/v1/commands:bulk', [])
    expect([answer.status, answer.json]).toEqual([
      202,
      { errors: false, accepted: 0, duplicates: 0, rejected: 0, items: [] },
    ])
  })

  it.each([
    ['an object', '{}', 400, 'invalid_argument'],
    ['malformed JSON', '[{]', 400, 'malformed_json'],
    ['nothing', '', 400, 'malformed_json'],
  ])('refuses %s as a whole', async (_, body, status, code) => {
    const { post } = await start()
    const answer = await post('/v1/commands:bulk', body)
    expect([answer.status, answer.json.code]).toEqual([status, code])
  })

  it('refuses more commands than one request may have', async () => {
    const { post } = await start({ limits: { bulkItemsMax: 3 } })
    const answer = await post('/v1/commands/echo:bulk', [1, 2, 3, 4])
    expect([answer.status, answer.json.code]).toEqual([413, 'payload_too_large'])
    expect((await post('/v1/commands/echo:bulk', [1, 2, 3])).status).toBe(202)
  })

  it('answers 415 to other content types', async () => {
    const { post } = await start()
    expect((await post('/v1/commands:bulk', 'a,b', { headers: { 'content-type': 'text/csv' } })).status).toBe(
      415,
    )
    expect((await post('/v1/commands:bulk')).status).toBe(415)
  })

  it('answers 503 when nothing could be taken for want of a store', async () => {
    const { post } = await start({ config: { store: withStore(memory(), { append: storeDown }) } })
    const answer = await post('/v1/commands/echo:bulk', [1, 2])
    expect([answer.status, answer.json.code, answer.headers.get('retry-after')]).toEqual([
      503,
      'store_unavailable',
      '1',
    ])
  })
})

describe('POST /v1/commands/{type}:bulk with a JSON array', () => {
  it('takes the payloads themselves', async () => {
    const { post, spillway } = await start()
    const answer = await post('/v1/commands/click.record:bulk', [
      { id: 'a', n: 1 },
      { id: 'b' },
      { id: 'c', n: 3 },
    ])
    expect(answer.status).toBe(207)
    expect(answer.json.items.map((item: { status: string }) => item.status)).toEqual([
      'accepted',
      'rejected',
      'accepted',
    ])
    expect(await spillway.accounting()).toMatchObject({ accepted: 2 })
  })

  it('answers 404 to an unknown type', async () => {
    const { post } = await start()
    expect((await post('/v1/commands/nothing:bulk', [1])).json).toMatchObject({
      status: 404,
      code: 'unknown_command',
    })
  })

  it('takes a path whose colon is encoded', async () => {
    const { post } = await start()
    expect((await post('/v1/commands/echo%3Abulk', [1])).status).toBe(202)
  })
})

describe('?atomic=true', () => {
  it('stores all', async () => {
    const { post, spillway } = await start()
    const answer = await post('/v1/commands/click.record:bulk?atomic=true', [
      { id: 'a', n: 1 },
      { id: 'b', n: 2 },
    ])
    expect([answer.status, answer.json.accepted]).toEqual([202, 2])
    expect(await spillway.accounting()).toMatchObject({ accepted: 2 })
  })

  it.each([
    ['/v1/commands/click.record:bulk', [{ id: 'a', n: 1 }, { id: 'b' }]],
    ['/v1/commands:bulk', [{ type: 'echo', payload: 1 }, { type: 'echo' }]],
    [
      '/v1/commands:bulk',
      [
        { type: 'nothing', payload: 1 },
        { type: 'nothing', payload: 2 },
      ],
    ],
  ])('stores none when one is refused: %s', async (path, body) => {
    const { post, spillway } = await start()
    const answer = await post(`${path}?atomic=true`, body)
    expect(answer.status).toBe(207)
    expect(SCHEMAS.BulkResult.parse(answer.json)).toMatchObject({
      errors: true,
      accepted: 0,
      duplicates: 0,
      rejected: 2,
    })
    expect(await spillway.accounting()).toMatchObject({ accepted: 0 })
  })

  it('stores none when one conflicts with an earlier command', async () => {
    const { post, spillway } = await start()
    await post('/v1/commands/click.record', { id: 'b', n: 1 })
    const answer = await post('/v1/commands/click.record:bulk?atomic=true', [
      { id: 'a', n: 1 },
      { id: 'b', n: 2 },
    ])
    expect([answer.status, answer.json.accepted]).toEqual([207, 0])
    expect(await spillway.accounting()).toMatchObject({ accepted: 1 })
  })

  it('is for commands of one type, and not for streams', async () => {
    const { post } = await start()
    const mixed = await post('/v1/commands:bulk?atomic=true', [
      { type: 'echo', payload: 1 },
      { type: 'click.record', payload: 1 },
    ])
    expect([mixed.status, mixed.json.code]).toEqual([400, 'invalid_argument'])
    const stream = await post('/v1/commands/echo:bulk?atomic=true', '1\n', {
      headers: { 'content-type': 'application/x-ndjson' },
    })
    expect([stream.status, stream.json.code]).toEqual([400, 'invalid_argument'])
  })
})
