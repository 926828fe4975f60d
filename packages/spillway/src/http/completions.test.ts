import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type HttpKit, startHttp } from '../../test/http/http-kit.js'
import { defineCommand } from '../config/index.js'
import { pending } from '../index.js'
import { SCHEMAS } from './schemas.js'

let kit: HttpKit
afterEach(() => kit.close())

/** A server, and payments that wait for their counterpart. */
async function open() {
  const tokens = new Map<string, string>()
  const handedOut = new Map<string, () => void>()
  let release = (): void => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const pay = defineCommand({
    name: 'pay',
    input: z.object({ order: z.string(), own: z.string().optional() }),
    handle: async ({ order, own }, ctx) => {
      const token = own ?? ctx.completionToken()
      tokens.set(ctx.id, token)
      handedOut.get(order)?.()
      if (order === 'held') await held
      return pending({ token, deadline: '1h' })
    },
  })
  kit = await startHttp({ config: { commands: [pay] } })
  return {
    ...kit,
    release,
    tokenOf: (id: string) => tokens.get(id) ?? '',
    begun: (order: string) => new Promise<void>((resolve) => handedOut.set(order, resolve)),
    async pending(payload: object): Promise<string> {
      const { json } = await kit.post('/v1/commands/pay', payload)
      await kit.spillway.drain()
      return json.id
    },
  }
}

describe('POST /v1/commands/{id}/complete', () => {
  it('ends the command with the counterpart’s value, once', async () => {
    const { post, pending: submitted, tokenOf } = await open()
    const id = await submitted({ order: 'a' })
    const body = { token: tokenOf(id), outcome: { outcome: 'ok', value: { receipt: 7 } } }
    const answer = await post(`/v1/commands/${id}/complete`, body)
    expect(answer.status).toBe(200)
    expect(SCHEMAS.Command.parse(answer.json)).toMatchObject({
      ...{ id, state: 'succeeded', result: { receipt: 7 } },
    })
    const again = await post(`/v1/commands/${id}/complete`, body)
    expect(again.json).toMatchObject({ status: 404, code: 'token_unknown', retryable: false })
  })

  it('takes every answer a counterpart can give', async () => {
    const { post, pending: submitted, tokenOf } = await open()
    const answered = async (outcome: object) => {
      const id = await submitted({ order: 'a' })
      return (await post(`/v1/commands/${id}/complete`, { token: tokenOf(id), outcome })).json
    }
    expect(await answered({ outcome: 'ok' })).toMatchObject({ state: 'succeeded', result: null })
    expect(await answered({ outcome: 'failed', reason: 'no money' })).toMatchObject({
      ...{ state: 'failed', error: { code: 'failed', message: 'no money' } },
    })
    const later = await answered({ outcome: 'retry', reason: 'busy', afterMs: 3_600_000 })
    expect(later).toMatchObject({ state: 'retrying', stage: 'execute' })
    expect(Date.parse(later.nextAt) - Date.parse(later.acceptedAt)).toBeGreaterThan(3_500_000)
    expect(await answered({ outcome: 'unknown', reason: 'lost track' })).toMatchObject({ state: 'retrying' })
  })

  it('completes nothing with the token of another command', async () => {
    const { post, get, pending: submitted, tokenOf } = await open()
    const [one, other] = [await submitted({ order: 'a' }), await submitted({ order: 'b' })]
    const body = { token: tokenOf(other), outcome: { outcome: 'ok' } }
    expect((await post(`/v1/commands/${one}/complete`, body)).json).toMatchObject({
      ...{ status: 404, code: 'token_unknown' },
    })
    for (const id of [one, other])
      expect((await get(`/v1/commands/${id}`)).json).toMatchObject({ state: 'pending' })
  })

  it('answers 409 with Retry-After while the execution that waits has not ended', async () => {
    const { post, get, begun, release, tokenOf } = await open()
    const handed = begun('held')
    const { json } = await post('/v1/commands/pay', { order: 'held' })
    await handed
    const body = { token: tokenOf(json.id), outcome: { outcome: 'ok' } }
    const early = await post(`/v1/commands/${json.id}/complete`, body)
    expect(early.json).toMatchObject({ status: 409, code: 'state_conflict', retryable: true, retryAfter: 1 })
    expect(early.headers.get('retry-after')).toBe('1')
    release()
    await kit.spillway.drain()
    expect((await post(`/v1/commands/${json.id}/complete`, body)).status).toBe(200)
    expect((await get(`/v1/commands/${json.id}`)).json.state).toBe('succeeded')
  })

  it.each([
    ['no token', { outcome: { outcome: 'ok' } }],
    ['an empty token', { token: '', outcome: { outcome: 'ok' } }],
    ['a token that is too long', { token: 'x'.repeat(513), outcome: { outcome: 'ok' } }],
    ['no outcome', { token: 'a-token-of-the-counterpart' }],
    ['an answer that is not known', { token: 'a-token-of-the-counterpart', outcome: { outcome: 'maybe' } }],
    ['a refusal without a reason', { token: 'a-token-of-the-counterpart', outcome: { outcome: 'failed' } }],
    [
      'a negative delay',
      { token: 'a-token-of-the-counterpart', outcome: { outcome: 'retry', reason: 'x', afterMs: -1 } },
    ],
    [
      'a member that is not known',
      { token: 'a-token-of-the-counterpart', outcome: { outcome: 'ok', state: 'dead' } },
    ],
    ['a state', { token: 'a-token-of-the-counterpart', outcome: { outcome: 'ok' }, state: 'dead' }],
  ])('answers 400 to %s', async (_, body) => {
    const { post } = await open()
    for (const path of ['/v1/completions', '/v1/commands/x/complete'])
      expect((await post(path, body)).json).toMatchObject({ status: 400, code: 'invalid_argument' })
  })
})

describe('POST /v1/completions', () => {
  it('needs nothing but the token, also one of the handler’s own', async () => {
    const { post, pending: submitted, tokenOf } = await open()
    const [made, named] = [
      await submitted({ order: 'a' }),
      await submitted({ order: 'b', own: 'invoice.2026-11-22/0815' }),
    ]
    for (const id of [made, named]) {
      const body = { token: tokenOf(id), outcome: { outcome: 'ok', value: 1 } }
      expect((await post('/v1/completions', body)).json).toMatchObject({ id, state: 'succeeded' })
    }
    const body = { token: 'a-token-nobody-waits-for', outcome: { outcome: 'ok' } }
    expect((await post('/v1/completions', body)).json).toMatchObject({ status: 404, code: 'token_unknown' })
  })

  it('shows nothing of the token, and refuses a value that cannot be kept', async () => {
    const { post, get, pending: submitted, tokenOf } = await open()
    const id = await submitted({ order: 'a' })
    const waiting = await get(`/v1/commands/${id}`)
    expect(SCHEMAS.Command.parse(waiting.json)).toMatchObject({
      ...{ state: 'pending', stage: 'poll', waitsUntil: expect.stringMatching(/Z$/) },
    })
    expect(waiting.text).not.toContain(tokenOf(id))
    expect(waiting.text.toLowerCase()).not.toContain('token')
    const body = { token: tokenOf(id), outcome: { outcome: 'ok', value: 'x'.repeat(70_000) } }
    expect((await post('/v1/completions', body)).json).toMatchObject({ status: 400 })
    expect((await get(`/v1/commands/${id}`)).json.state).toBe('pending')
  })
})
