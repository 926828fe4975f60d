import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type HttpKit, startHttp } from '../../test/http/http-kit.js'
import { defineCommand } from '../config/index.js'
import { SCHEMAS } from './schemas.js'

let kit: HttpKit
afterEach(() => kit.close())

const write = defineCommand({
  name: 'write',
  queue: 'rows',
  input: z.strictObject({ row: z.number(), fault: z.string().optional() }),
  retry: { attempts: 1 },
  handle({ row, fault }) {
    if (fault !== undefined) throw new Error(`${fault} of row ${row}`)
    return row
  },
})

const ADA = { headers: { 'x-spillway-actor': 'ada@example.com' } }

/** A server whose commands have died of these faults, and their ids. */
async function open(...faults: string[]) {
  kit = await startHttp({ config: { commands: [write] } })
  const rows = faults.map((fault, row) => ({ row, fault }))
  const { json } =
    rows.length === 0 ? { json: { items: [] } } : await kit.post('/v1/commands/write:bulk', rows)
  await kit.spillway.drain()
  return { ...kit, ids: json.items.map(({ id }: { id: string }) => id) as string[] }
}

/** The operation once it has ended. */
async function ended(id: string) {
  await kit.get(`/v1/commands/${id}?wait=20`)
  return SCHEMAS.Operation.parse((await kit.get(`/v1/operations/${id}`)).json)
}

describe('dead letters', () => {
  it('are shown with what happened at each attempt, and with the payload when asked', async () => {
    const { get, ids, spillway } = await open('no disk')
    const { json } = await get(`/v1/commands/${ids[0]}?payload=true`)
    expect(SCHEMAS.Command.parse(json)).toMatchObject({
      ...{ state: 'dead', stage: 'execute', payload: { row: 0, fault: 'no disk' } },
      fingerprint: expect.any(String),
      history: [
        {
          ...{ attempt: 1, workerId: spillway.workerId, durationMs: expect.any(Number) },
          error: { message: 'no disk of row 0', stack: expect.stringContaining('operations.test') },
        },
      ],
      links: { discard: `/v1/dead-letters/${ids[0]}/discard` },
    })
    expect(json).not.toHaveProperty('memo')
  })

  it('are grouped by what they died of, and listed by group', async () => {
    const { get } = await open('no disk', 'no disk', 'no luck')
    const { items } = SCHEMAS.ErrorGroups.parse((await get('/v1/dead-letters/groups?queue=rows')).json)
    expect(items).toMatchObject([
      { count: 2, type: 'write', queue: 'rows', error: { message: expect.stringContaining('no disk') } },
      { count: 1 },
    ])
    expect((await get(items[0]?.links.sample ?? '')).json).toMatchObject({ id: items[0]?.sampleId })
    const listed = await get(`/v1/dead-letters?fingerprint=${items[1]?.fingerprint}`)
    expect(SCHEMAS.CommandPage.parse(listed.json).items).toMatchObject([
      { error: { message: 'no luck of row 2' } },
    ])
    const byState = await get(`/v1/commands?state=dead&fingerprint=${items[0]?.fingerprint}`)
    expect(byState.json.items).toHaveLength(2)
    expect((await get('/v1/dead-letters/groups?limit=1')).json.items).toHaveLength(1)
    expect((await get('/v1/dead-letters/groups?type=nothing')).json).toEqual({ items: [] })
    for (const query of ['limit=0', 'cursor=x', 'state=dead', 'fingerprint=x'])
      expect((await get(`/v1/dead-letters/groups?${query}`)).status).toBe(400)
  })

  it('run again with an edited payload, which is checked before', async () => {
    const { post, get, ids } = await open('no disk', 'no luck')
    const [id] = ids
    const refused = await post(`/v1/commands/${id}/retry`, { payload: { row: 'one' } })
    expect(refused.json).toMatchObject({ status: 422, errors: [{ pointer: '#/row' }] })
    expect((await get(`/v1/commands/${id}`)).json).toMatchObject({ state: 'dead', generation: 0 })
    const body = { payload: { row: 5 }, reason: 'the row was wrong' }
    expect((await post(`/v1/dead-letters/${id}/retry`, body, ADA)).status).toBe(202)
    expect((await get(`/v1/commands/${id}?wait=20&payload=true`)).json).toMatchObject({
      ...{ state: 'succeeded', result: 5, generation: 1, payload: { row: 5 } },
    })
    const { items } = SCHEMAS.AuditPage.parse((await get('/v1/audit')).json)
    expect(items).toMatchObject([
      { actor: 'ada@example.com', action: 'redrive', target: id, reason: 'the row was wrong', count: 1 },
    ])
  })

  it('are given up, once', async () => {
    const { post, get, ids } = await open('no disk')
    const path = `/v1/dead-letters/${ids[0]}/discard`
    const answer = await post(path, { reason: 'old' })
    expect([answer.status, SCHEMAS.Acknowledged.parse(answer.json).state]).toEqual([202, 'cancelled'])
    expect((await get(`/v1/commands/${ids[0]}`)).json).toMatchObject({ state: 'cancelled' })
    expect((await post(path)).json).toMatchObject({ status: 409, details: { state: 'cancelled' } })
    expect((await post('/v1/dead-letters/nonsense/discard')).status).toBe(404)
    expect((await get('/v1/audit')).json.items).toMatchObject([{ actor: 'http', reason: 'old' }])
  })

  it.each([
    ['cancel', { why: 'misspelt' }],
    ['cancel', { reason: 'x'.repeat(501) }],
    ['retry', { reason: 5 }],
    ['retry', { payloads: [] }],
  ])('answer 400 to %s with %j', async (verb, body) => {
    const { post, get, ids } = await open('no disk')
    expect((await post(`/v1/commands/${ids[0]}/${verb}`, body)).json).toMatchObject({
      ...{ status: 400, code: 'invalid_argument' },
    })
    expect((await get(`/v1/commands/${ids[0]}`)).json).toMatchObject({ state: 'dead', generation: 0 })
  })
})

describe('operations', () => {
  it('only count for a dry run', async () => {
    const { post, get } = await open('no disk', 'no luck')
    const answer = await post('/v1/operations', { action: 'discard', filter: {}, dryRun: true })
    expect([answer.status, SCHEMAS.OperationMatches.parse(answer.json)]).toEqual([
      200,
      { matches: 2, more: false },
    ])
    expect((await get('/v1/dead-letters')).json.items).toHaveLength(2)
    expect((await get('/v1/audit')).json.items).toEqual([])
  })

  it('do to all that a filter finds, and tell how far they are', async () => {
    const { post, get } = await open('no disk', 'no disk', 'no luck')
    const { items } = (await get('/v1/dead-letters/groups')).json
    const filter = { type: 'write', queue: 'rows', fingerprint: items[0].fingerprint }
    const answer = await post('/v1/operations', { action: 'discard', filter, reason: 'old disks' }, ADA)
    expect(answer.status).toBe(202)
    const { id, links } = SCHEMAS.Acknowledged.parse(answer.json)
    expect(answer.headers.get('location')).toBe(links.self)
    expect(await ended(id)).toMatchObject({
      ...{ id, action: 'discard', filter, actor: 'ada@example.com', reason: 'old disks', state: 'succeeded' },
      ...{ seen: 2, changed: 2, conflicts: 0, finishedAt: expect.any(String), links: { self: links.self } },
    })
    expect((await get('/v1/dead-letters')).json.items).toMatchObject([
      { error: { message: 'no luck of row 2' } },
    ])
    const audit = SCHEMAS.AuditPage.parse((await get('/v1/audit?limit=1')).json)
    expect(audit.items).toMatchObject([{ action: 'operation.discard.done', count: 2 }])
    const older = SCHEMAS.AuditPage.parse((await get(`/v1/audit?cursor=${audit.nextCursor}`)).json)
    expect(older).toMatchObject({ items: [{ action: 'operation.discard' }], nextCursor: null })
  })

  it.each([
    [{ action: 'delete', filter: {} }],
    [{ action: 'discard' }],
    [{ action: 'discard', filter: { state: 'succeeded' } }],
    [{ action: 'discard', filter: { since: 'yesterday' } }],
    [{ action: 'discard', filter: { type: 'x'.repeat(101) } }],
    [{ action: 'discard', filter: {}, dryRun: 'yes' }],
    [{ action: 'discard', filter: {}, actor: 'root' }],
    [[]],
  ])('answer 400 to %j', async (body) => {
    const { post, get } = await open('no disk')
    expect((await post('/v1/operations', body)).json).toMatchObject({ status: 400, code: 'invalid_argument' })
    expect((await get('/v1/dead-letters')).json.items).toHaveLength(1)
  })

  it('are not found by the id of anything else', async () => {
    const { get, post, ids } = await open('no disk')
    for (const id of ['nonsense', ids[0]])
      expect((await get(`/v1/operations/${id}`)).json).toMatchObject({ status: 404, code: 'not_found' })
    expect((await post('/v1/operations')).status).toBe(415)
  })
})

describe('X-Spillway-Actor', () => {
  it('names who pauses, resumes and limits, too', async () => {
    const { post, get } = await open()
    await post('/v1/queues/rows/pause', { reason: 'moving' }, ADA)
    await post('/v1/queues/rows/limit', { leasesMax: 2, reason: 'slowly' }, ADA)
    await post('/v1/queues/rows/resume', { reason: 'moved' })
    const { items } = SCHEMAS.AuditPage.parse((await get('/v1/audit')).json)
    expect(items.map(({ actor, action, reason }) => [actor, action, reason])).toEqual([
      ['http', 'queue.resume', 'moved'],
      ['ada@example.com', 'queue.limit', 'slowly'],
      ['ada@example.com', 'queue.pause', 'moving'],
    ])
  })

  it.each(['', 'x'.repeat(101), 'Ad\u00e4', 'a\tb'])('is refused as %j', async (actor) => {
    const { get } = await open()
    const connection = kit.socket()
    connection.send(
      Buffer.from(
        `POST /v1/queues/rows/pause HTTP/1.1\r\nHost: localhost\r\nX-Spillway-Actor: ${actor}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
        'utf8',
      ),
    )
    expect(await connection.closed).toMatch(/^HTTP\/1\.1 400 /)
    expect((await get('/v1/queues')).json.items).not.toContainEqual(expect.objectContaining({ paused: true }))
  })

  it('is refused when it is sent twice', async () => {
    await open()
    const connection = kit.socket()
    connection.send(
      'POST /v1/queues/rows/pause HTTP/1.1\r\nHost: localhost\r\nX-Spillway-Actor: a\r\nX-Spillway-Actor: b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
    )
    expect(await connection.closed).toMatch(/^HTTP\/1\.1 400 /)
  })
})

describe('the audit', () => {
  it.each(['cursor=x', 'cursor=-1', 'cursor=9223372036854775808', 'limit=0', 'actor=ada'])(
    'answers 400 to ?%s',
    async (query) => {
      const { get } = await open()
      expect((await get(`/v1/audit?${query}`)).json).toMatchObject({ status: 400, code: 'invalid_argument' })
    },
  )
})
