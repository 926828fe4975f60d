import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Receiver } from '../../test/callbacks/receiver.js'
import { type HttpKit, startHttp } from '../../test/http/http-kit.js'
import { defineCommand } from '../config/index.js'
import { SCHEMAS } from './schemas.js'

let kit: HttpKit
let receiver: Receiver
afterEach(async () => {
  await kit.close()
  await receiver.close()
})

async function open() {
  receiver = await Receiver.open()
  const order = defineCommand({
    name: 'order',
    input: z.object({ id: z.string() }),
    handle: ({ id }) => ({ placed: id }),
    callback: () => receiver.url,
  })
  // What was refused once is not tried again before a test has looked.
  const callbacks = receiver.callbacks({ schedule: ['1h'] })
  kit = await startHttp({ config: { commands: [order], callbacks } })
  return kit
}

/** The ledger's page once its newest callback has ended. */
async function ledger(query = '') {
  await kit.spillway.drain()
  return SCHEMAS.CallbackPage.parse((await kit.get(`/v1/callbacks${query}`)).json)
}

describe('the ledger of callbacks', () => {
  it('shows whom each was about and what was answered, page by page', async () => {
    const { post } = await open()
    receiver.answers.push({ status: 200 }, { status: 500, body: 'out of order' })
    const first = await post('/v1/commands/order', { id: 'a' })
    await receiver.reached(1)
    const second = await post('/v1/commands/order', { id: 'b' })
    await receiver.reached(2)
    const newest = await ledger('?limit=1')
    expect(newest.items).toMatchObject([
      {
        ...{ commandId: second.json.id, event: 'command.succeeded', url: receiver.url },
        webhookId: receiver.taken[1]?.id,
        delivery: {
          ...{ type: 'spillway.callback', state: 'retrying', attempts: 1 },
          history: [
            {
              attempt: 1,
              error: { message: expect.stringMatching(/500.*out of order/) },
              durationMs: expect.any(Number),
            },
          ],
        },
        links: { command: `/v1/commands/${second.json.id}` },
      },
    ])
    expect(newest.items[0]?.links).not.toHaveProperty('redeliver')
    const older = await ledger(`?limit=5&cursor=${newest.nextCursor}`)
    expect(older).toMatchObject({ items: [{ commandId: first.json.id }], nextCursor: null })
    expect((await ledger('?state=succeeded')).items).toMatchObject([
      { commandId: first.json.id, delivery: { result: { status: 200 } } },
    ])
    for (const query of ['state=maybe', 'cursor=x', 'limit=501', 'url=x'])
      expect((await kit.get(`/v1/callbacks?${query}`)).status).toBe(400)
  })

  it('sends one again under the same webhook id, but not one that is on its way', async () => {
    const { post, get } = await open()
    receiver.answers.push({ status: 200 }, { status: 200 }, { status: 500 })
    await post('/v1/commands/order', { id: 'a' })
    await receiver.reached(1)
    const [told] = (await ledger()).items
    const answer = await post(told?.links.redeliver ?? '', { reason: 'they lost it' })
    expect(answer.status).toBe(202)
    const { id, links } = SCHEMAS.Acknowledged.parse(answer.json)
    expect(id).not.toBe(told?.id)
    expect((await get(`${links.self}?wait=20`)).json.state).toBe('succeeded')
    expect(receiver.taken.map((taken) => [taken.id, taken.body])).toEqual(
      Array(2).fill([told?.webhookId, receiver.taken[0]?.body]),
    )
    expect((await get('/v1/audit')).json.items).toMatchObject([
      { actor: 'http', action: 'callback.redeliver', target: told?.id, reason: 'they lost it' },
    ])
    await post('/v1/commands/order', { id: 'b' })
    await receiver.reached(3)
    const [underWay] = (await ledger()).items
    expect((await post(`/v1/callbacks/${underWay?.id}/redeliver`)).json).toMatchObject({
      ...{ status: 409, code: 'state_conflict' },
    })
    expect((await post('/v1/callbacks/nonsense/redeliver')).json).toMatchObject({ status: 404 })
    expect((await post(`/v1/callbacks/${told?.id}/redeliver`, { url: 'http://elsewhere' })).status).toBe(400)
  })

  it('leaves an endpoint alone that answered 410, until it is enabled', async () => {
    const { post, get } = await open()
    receiver.answers.push({ status: 410 })
    await post('/v1/commands/order', { id: 'a' })
    await receiver.reached(1)
    const [gone] = (await ledger()).items
    expect(gone?.delivery).toMatchObject({ state: 'failed' })
    const { items } = SCHEMAS.GoneEndpoints.parse((await get('/v1/callbacks/endpoints')).json)
    expect(items.map(({ url }) => url)).toEqual([receiver.url])
    expect((await post(`/v1/callbacks/${gone?.id}/redeliver`)).json).toMatchObject({
      ...{ status: 409, code: 'endpoint_gone' },
    })
    const enable = (body: object) => post('/v1/callbacks/endpoints/enable', body)
    for (const body of [{}, { url: '' }, { url: 5 }, { url: 'no url' }, { url: receiver.url, all: true }])
      expect((await enable(body)).status).toBe(400)
    expect((await enable({ url: 'http://127.0.0.1:1/other' })).json).toMatchObject({ code: 'not_found' })
    const enabled = await enable({ url: receiver.url, reason: 'they are back' })
    expect(SCHEMAS.EnabledEndpoint.parse(enabled.json)).toEqual({ url: receiver.url, enabled: true })
    expect((await post(`/v1/callbacks/${gone?.id}/redeliver`)).json).toMatchObject({ id: gone?.id })
    await receiver.reached(2)
    expect((await get('/v1/callbacks/endpoints')).json).toEqual({ items: [] })
  })
})
