import { afterEach, describe, expect, it } from 'vitest'
import { type HttpKit, type KitOptions, startHttp } from '../../test/http/http-kit.js'
import { memory } from '../stores/memory/index.js'
import { SCHEMAS } from './schemas.js'

let kit: HttpKit
const start = async (options?: KitOptions): Promise<HttpKit> => {
  kit = await startHttp(options)
  return kit
}
afterEach(() => kit.close())

const waiting: KitOptions = { create: { roles: ['intake'] } }
const idOfAge = (ageMs: number): string =>
  `${(Date.now() - ageMs).toString(16).padStart(12, '0')}70008000000000000000-0`

/** Resolves once somebody waits for an outcome, with what calls that off. */
function nextWait(spillway: HttpKit['spillway']): Promise<AbortSignal> {
  const outcome = spillway.outcome.bind(spillway)
  return new Promise((resolve) => {
    spillway.outcome = (id, options) => {
      if (options?.signal !== undefined) resolve(options.signal)
      return outcome(id, options)
    }
  })
}

describe('GET /v1/commands/{id}', () => {
  it('shows a command with what can be done about it', async () => {
    const { post, get } = await start(waiting)
    const { json } = await post('/v1/commands/echo', { a: 1 })
    const answer = await get(`/v1/commands/${json.id}`)
    expect(answer.status).toBe(200)
    expect(SCHEMAS.Command.parse(answer.json)).toMatchObject({
      id: json.id,
      type: 'echo',
      state: 'accepted',
      attempts: 0,
      acceptedAt: json.acceptedAt,
      links: { self: `/v1/commands/${json.id}`, cancel: `/v1/commands/${json.id}/cancel` },
    })
    expect(answer.json.payload).toBeUndefined()
  })

  it('adds the payload when asked', async () => {
    const { post, get } = await start(waiting)
    const { json } = await post('/v1/commands/echo', { a: ['"', '\u2028'] })
    const answer = await get(`/v1/commands/${json.id}?payload=true`)
    expect(SCHEMAS.Command.parse(answer.json).payload).toEqual({ a: ['"', '\u2028'] })
  })

  it('waits for the outcome', async () => {
    const { post, get } = await start()
    const { json } = await post('/v1/commands/letter', { end: 'thrown' })
    const answer = await get(`/v1/commands/${json.id}?wait=20`)
    expect(SCHEMAS.Command.parse(answer.json)).toMatchObject({
      state: 'dead',
      attempts: 1,
      error: { message: expect.stringContaining('the printer burns') },
      links: { retry: `/v1/commands/${json.id}/retry` },
    })
  })

  it('answers with what there is when the time is over', async () => {
    const { post, get } = await start(waiting)
    const { json } = await post('/v1/commands/echo', 1)
    expect((await get(`/v1/commands/${json.id}?wait=1`)).json.state).toBe('accepted')
  })

  it('answers who waits at once when the server closes', async () => {
    const { post, socket, server, spillway } = await start(waiting)
    const { json } = await post('/v1/commands/echo', 1)
    const waitBegun = nextWait(spillway)
    const connection = socket().send(
      `GET /v1/commands/${json.id}?wait=60 HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    )
    await waitBegun
    await server.close()
    expect(await connection.closed).toContain('"state":"accepted"')
  })

  it('stops waiting for a client that went away', async () => {
    const { post, socket, spillway } = await start(waiting)
    const { json } = await post('/v1/commands/echo', 1)
    const waitBegun = nextWait(spillway)
    const connection = socket().send(
      `GET /v1/commands/${json.id}?wait=60 HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    )
    const signal = await waitBegun
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve))
    connection.socket.destroy()
    await aborted
    expect(signal.aborted).toBe(true)
  })

  it('answers 404 to an id that never was, and 410 to one from before the retention', async () => {
    const { get } = await start()
    for (const id of ['nonsense', idOfAge(0), `${'f'.repeat(32)}-999999`]) {
      expect((await get(`/v1/commands/${id}`)).json).toMatchObject({ status: 404, code: 'not_found' })
    }
    expect((await get(`/v1/commands/${idOfAge(2 * 86_400_000)}`)).json).toMatchObject({
      status: 410,
      code: 'expired',
    })
  })

  it.each(['wait=-1', 'wait=soon', 'payload=yes', 'include=payload', 'unknown=1'])(
    'answers 400 to ?%s',
    async (query) => {
      const { get } = await start()
      expect((await get(`/v1/commands/${idOfAge(0)}?${query}`)).json).toMatchObject({
        status: 400,
        code: 'invalid_argument',
      })
    },
  )
})

describe('GET /v1/commands', () => {
  it('pages through everything, newest first, without a hole or a repeat', async () => {
    const { post, get } = await start(waiting)
    await post(
      '/v1/commands/echo:bulk',
      Array.from({ length: 25 }, (_, n) => n),
    )
    const seen: string[] = []
    let path = '/v1/commands?limit=10'
    for (;;) {
      const { json } = await get(path)
      const page = SCHEMAS.CommandPage.parse(json)
      seen.push(...page.items.map(({ id }) => id))
      if (page.nextCursor === null) break
      path = `/v1/commands?limit=10&cursor=${page.nextCursor}`
    }
    expect(new Set(seen).size).toBe(25)
    expect([...seen].sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))).toEqual(seen)
  })

  it('filters by state, type and queue', async () => {
    const { post, get, spillway } = await start()
    await post('/v1/commands/letter', { end: 'failed' })
    await post('/v1/commands/letter', { end: 'thrown' })
    await post('/v1/commands/echo', 1)
    await spillway.drain()
    const idsOf = async (query: string) =>
      (await get(`/v1/commands?${query}`)).json.items.map((item: { state: string; type: string }) => [
        item.type,
        item.state,
      ])
    expect(await idsOf('state=failed')).toEqual([['letter', 'failed']])
    expect(await idsOf('type=echo')).toEqual([['echo', 'succeeded']])
    expect(await idsOf('queue=letters&state=dead')).toEqual([['letter', 'dead']])
    expect(await idsOf('queue=nothing')).toEqual([])
  })

  it.each([
    'limit=0',
    'limit=501',
    'limit=x',
    'cursor=x',
    'cursor=',
    'state=nothing',
    'offset=10',
    'state=dead&state=failed',
    'fingerprint=abc',
  ])('answers 400 to ?%s', async (query) => {
    const { get } = await start()
    const answer = await get(`/v1/commands?${query}`)
    expect(answer.json).toMatchObject({
      status: 400,
      code: 'invalid_argument',
      detail: expect.stringContaining(query.split('=')[0] as string),
    })
  })
})

describe('POST /v1/commands/{id}/cancel', () => {
  it('cancels what waits, and says so', async () => {
    const { post, get } = await start(waiting)
    const { json } = await post('/v1/commands/echo', 1)
    const answer = await post(`/v1/commands/${json.id}/cancel`)
    expect(answer.status).toBe(202)
    expect(SCHEMAS.Acknowledged.parse(answer.json)).toEqual({
      id: json.id,
      state: 'cancelled',
      links: json.links,
    })
    expect((await get(json.links.self)).json.state).toBe('cancelled')
  })

  it('answers 409 with the state when it is too late, and 404 or 410 when it is not there', async () => {
    const { post } = await start()
    const { json } = await post('/v1/commands/echo', 1, { headers: { prefer: 'wait=20' } })
    expect((await post(`/v1/commands/${json.id}/cancel`)).json).toMatchObject({
      status: 409,
      code: 'state_conflict',
      details: { state: 'succeeded' },
    })
    expect((await post('/v1/commands/nonsense/cancel')).json).toMatchObject({
      status: 404,
      code: 'not_found',
    })
    expect((await post(`/v1/commands/${idOfAge(2 * 86_400_000)}/cancel`)).json).toMatchObject({
      status: 410,
      code: 'expired',
    })
  })

  it('has one winner among many', async () => {
    const { post } = await start(waiting)
    const { json } = await post('/v1/commands/echo', 1)
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => post(`/v1/commands/${json.id}/cancel`)),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([202, ...Array(9).fill(409)])
  })
})

describe('POST /v1/commands/{id}/retry', () => {
  it('runs a failed command again under its id', async () => {
    const { post, get } = await start()
    const { json } = await post('/v1/commands/letter', { end: 'failed' }, { headers: { prefer: 'wait=20' } })
    const answer = await post(`/v1/commands/${json.id}/retry`)
    expect([answer.status, answer.json.state]).toEqual([202, 'retrying'])
    expect((await get(`/v1/commands/${json.id}?wait=20`)).json).toMatchObject({
      state: 'failed',
      generation: 1,
    })
  })

  it('answers 409 to one that succeeded', async () => {
    const { post } = await start()
    const { json } = await post('/v1/commands/echo', 1, { headers: { prefer: 'wait=20' } })
    expect((await post(`/v1/commands/${json.id}/retry`)).json).toMatchObject({
      status: 409,
      code: 'state_conflict',
    })
  })
})

describe('dead letters', () => {
  it('lists dead commands only and runs one again', async () => {
    const { post, get } = await start()
    const dead = await post('/v1/commands/letter', { end: 'thrown' }, { headers: { prefer: 'wait=20' } })
    const refused = await post('/v1/commands/letter', { end: 'failed' }, { headers: { prefer: 'wait=20' } })
    const { json } = await get('/v1/dead-letters?queue=letters&type=letter&limit=5')
    expect(SCHEMAS.CommandPage.parse(json).items.map(({ id }) => id)).toEqual([dead.json.id])
    expect((await post(`/v1/dead-letters/${refused.json.id}/retry`)).json).toMatchObject({
      status: 409,
      details: { state: 'failed' },
    })
    expect((await post('/v1/dead-letters/nonsense/retry')).status).toBe(404)
    expect((await post(`/v1/dead-letters/${dead.json.id}/retry`)).status).toBe(202)
    expect((await get(`/v1/commands/${dead.json.id}?wait=20`)).json).toMatchObject({
      state: 'dead',
      generation: 1,
    })
  })

  it('does not take a state', async () => {
    const { get } = await start()
    expect((await get('/v1/dead-letters?state=failed')).status).toBe(400)
  })
})

describe('queues', () => {
  it('shows what waits, and stops and starts running it', async () => {
    const { post, get, spillway } = await start()
    const paused = await post('/v1/queues/letters/pause')
    expect([paused.status, SCHEMAS.QueueSettings.parse(paused.json)]).toEqual([
      200,
      { queue: 'letters', paused: true, pauseReason: null, leasesMax: null },
    ])
    const { json } = await post('/v1/commands/letter', { end: 'ok' })
    const { items } = SCHEMAS.Queues.parse((await get('/v1/queues')).json)
    expect(items.map(({ queue }) => queue)).toEqual(['default', 'letters'])
    expect(items[1]).toMatchObject({
      paused: true,
      ready: 1,
      channel: 'store',
      oldestReadyAt: json.acceptedAt,
    })
    expect((await post('/v1/queues/letters/resume')).json).toMatchObject({ queue: 'letters', paused: false })
    expect((await get(`/v1/commands/${json.id}?wait=20`)).json.state).toBe('succeeded')
    expect((await spillway.queues()).some((queue) => queue.paused)).toBe(false)
  })

  it('keeps the reason of a pause, and a limit', async () => {
    const { post, get } = await start()
    const paused = await post('/v1/queues/letters/pause', { reason: 'the "relay" moves' })
    expect(paused.json).toMatchObject({ paused: true, pauseReason: 'the "relay" moves' })
    const limited = await post('/v1/queues/letters/limit', { leasesMax: 4 })
    expect(SCHEMAS.QueueSettings.parse(limited.json)).toEqual({
      ...{ queue: 'letters', paused: true, pauseReason: 'the "relay" moves', leasesMax: 4 },
    })
    const { items } = SCHEMAS.Queues.parse((await get('/v1/queues')).json)
    expect(items[1]).toMatchObject({ pauseReason: 'the "relay" moves', leasesMax: 4 })
    expect((await post('/v1/queues/letters/limit', { leasesMax: null })).json).toMatchObject({
      leasesMax: null,
    })
  })

  it.each([
    ['pause', { reason: 5 }],
    ['pause', { reason: 'x'.repeat(501) }],
    ['pause', { because: 'misspelt' }],
    ['pause', []],
    ['limit', {}],
    ['limit', { leasesMax: 0 }],
    ['limit', { leasesMax: '4' }],
    ['limit', { leasesMax: 4, paused: true }],
  ])('refuses %s with %j', async (verb, body) => {
    const { post, spillway } = await start()
    expect((await post(`/v1/queues/letters/${verb}`, body)).json).toMatchObject({
      ...{ status: 400, code: 'invalid_argument' },
    })
    expect(await spillway.queues()).toMatchObject([{}, { paused: false, leasesMax: null }])
  })

  it('refuses a limit without a body, and bodies that are no JSON', async () => {
    const { post } = await start()
    expect((await post('/v1/queues/letters/limit')).status).toBe(415)
    const headers = { 'content-type': 'application/x-ndjson' }
    for (const verb of ['pause', 'limit'])
      expect((await post(`/v1/queues/letters/${verb}`, '{}', { headers })).status).toBe(415)
  })

  it('answers 404 to a queue that is not there', async () => {
    const { post } = await start()
    for (const verb of ['pause', 'resume'])
      expect((await post(`/v1/queues/nothing/${verb}`)).json).toMatchObject({
        ...{ status: 404, code: 'not_found' },
      })
    expect((await post('/v1/queues/nothing/limit', { leasesMax: 1 })).status).toBe(404)
  })
})

describe('nodes', () => {
  it('shows the processes that work on the store', async () => {
    const { get, spillway } = await start()
    const { items } = SCHEMAS.Nodes.parse((await get('/v1/nodes')).json)
    expect(items).toMatchObject([
      { pid: process.pid, roles: spillway.roles, alive: true, holds: ['maintenance'] },
    ])
  })
})

describe('a store shared by two processes', () => {
  it('shows through one what was submitted through the other', async () => {
    const store = memory()
    const { post } = await start({ ...waiting, config: { store } })
    const { json } = await post('/v1/commands/echo', 1)
    const other = await startHttp({ config: { store } })
    expect((await other.get(`/v1/commands/${json.id}?wait=20`)).json.state).toBe('succeeded')
    await other.close()
  })
})
