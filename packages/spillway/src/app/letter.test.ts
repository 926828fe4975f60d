// The example of the design: everything a command type can say about bad days, with its types, on production code and virtual time.

import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import {
  applied,
  type CommandContext,
  defineCommand,
  type Failure,
  failed,
  type HandlerContext,
  notApplied,
  ok,
  pending,
  type SettledEvent,
  type SpillwayConfig,
  stillUnknown,
  unknown,
} from '../index.js'
import { memory } from '../stores/memory/index.js'
import { testSpillway } from '../testing/index.js'

const Letter = z.object({
  orderId: z.string(),
  copies: z.coerce.number(),
  callbackUrl: z.string().optional(),
})
type Letter = z.output<typeof Letter>

/** A counterpart that does as it is told, and knows what it has done. */
class Counterpart {
  readonly issued: string[] = []
  readonly refunded: string[] = []
  readonly lookups: string[] = []
  answer: (letter: Letter) => { status: number; token?: string; body?: { sheets: number } } = () => ({
    status: 200,
    body: { sheets: 2 },
  })
  lookup: (orderId: string) => { sheets: number } | null = () => null

  post(letter: Letter) {
    const response = this.answer(letter)
    if (response.status === 200) this.issued.push(letter.orderId)
    return response
  }
}

function letters(counterpart: Counterpart) {
  return defineCommand({
    name: 'letter.issue',
    queue: 'letters',
    input: Letter,
    idempotencyKey: (letter) => letter.orderId,
    timeout: '10s',
    retry: {
      attempts: 8,
      backoff: { type: 'exponential', delay: '500ms', max: '10m', jitter: 'full' },
      deadline: '24h',
    },
    async handle(letter, ctx) {
      expectTypeOf(letter).toEqualTypeOf<Letter>()
      expectTypeOf(ctx).toEqualTypeOf<HandlerContext>()
      const response = counterpart.post(letter)
      if (response.status === 409) return failed('address rejected')
      if (response.status === 202) return pending({ token: response.token ?? '', deadline: '2h' })
      if (response.status === 504) throw Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })
      if (response.status === 599) return unknown('the connection was cut')
      return response.body
    },
    async reconcile(letter, ctx) {
      expectTypeOf(letter).toEqualTypeOf<Letter>()
      expectTypeOf(ctx).toEqualTypeOf<CommandContext>()
      counterpart.lookups.push(letter.orderId)
      if (counterpart.lookups.length > 5) return stillUnknown()
      const found = counterpart.lookup(letter.orderId)
      return found === null ? notApplied() : applied(found)
    },
    async compensate(letter, failure, ctx) {
      expectTypeOf(letter).toEqualTypeOf<Letter>()
      expectTypeOf(failure).toEqualTypeOf<Failure>()
      expectTypeOf(ctx).toEqualTypeOf<CommandContext>()
      counterpart.refunded.push(`${letter.orderId}: ${failure.error.message}`)
    },
    callback: (letter) => {
      expectTypeOf(letter).toEqualTypeOf<Letter>()
      return letter.callbackUrl
    },
  })
}

const TOKEN = 'counterpart-token-0001'
const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`

async function rig() {
  const counterpart = new Counterpart()
  const issueLetter = letters(counterpart)
  const config: SpillwayConfig = {
    store: memory(),
    commands: [issueLetter],
    callbacks: { secrets: [SECRET] },
  }
  const t = await testSpillway(config)
  const submit = (orderId: string) => t.submit(issueLetter, { orderId, copies: '2' })
  return { t, counterpart, issueLetter, submit }
}

describe('a command type with everything for bad days', () => {
  it('infers what its payload is, before and after its schema', async () => {
    const { t, issueLetter } = await rig()
    expectTypeOf(t.spillway.submit(issueLetter, { orderId: 'a', copies: '2' })).resolves.toHaveProperty('id')
    // @ts-expect-error orderId is a text
    await expect(t.submit(issueLetter, { orderId: 7, copies: 1 })).rejects.toMatchObject({
      code: 'invalid_payload',
    })
    await t.close()
  })

  it('keeps the value that its handler returned', async () => {
    const { t, submit } = await rig()
    const { id } = await submit('a')
    await t.drain()
    expect(t.outcomeOf(id)).toMatchObject({ state: 'succeeded', result: '{"sheets":2}' })
    await t.close()
  })

  it('is undone when it was refused', async () => {
    const { t, counterpart, submit } = await rig()
    counterpart.answer = () => ({ status: 409 })
    const { id } = await submit('a')
    await t.advance('1s')
    expect(t.outcomeOf(id)).toMatchObject({ state: 'compensated', error: { message: 'address rejected' } })
    expect(counterpart.refunded).toEqual(['a: address rejected'])
    await t.close()
  })

  it.each([504, 599])('is asked about before it is executed again, when it ended with %i', async (status) => {
    const { t, counterpart, submit } = await rig()
    counterpart.answer = () => ({ status })
    const { id } = await submit('a')
    await t.drain()
    expect(t.outcomeOf(id)).toMatchObject({ state: 'reconciling', stage: 'reconcile' })
    counterpart.lookup = () => ({ sheets: 3 })
    await t.advance('1s')
    expect(t.outcomeOf(id)).toMatchObject({ state: 'succeeded', result: '{"sheets":3}', attempts: 1 })
    await t.close()
  })

  it('is executed again when it did not happen', async () => {
    const { t, counterpart, submit } = await rig()
    counterpart.answer = () => ({ status: 504 })
    const { id } = await submit('a')
    await t.drain()
    counterpart.answer = () => ({ status: 200, body: { sheets: 1 } })
    await t.advance('2s')
    expect(t.outcomeOf(id)).toMatchObject({ state: 'succeeded', attempts: 2 })
    expect(counterpart).toMatchObject({ issued: ['a'], lookups: ['a'] })
    await t.close()
  })

  it('waits for its counterpart, and takes its answer', async () => {
    const { t, counterpart, submit } = await rig()
    counterpart.answer = () => ({ status: 202, token: TOKEN })
    const { id } = await submit('a')
    await t.advance('1h')
    expect(t.outcomeOf(id)).toMatchObject({ state: 'pending' })
    expect(await t.complete(TOKEN, ok({ sheets: 4 }))).toMatchObject({ id, state: 'succeeded' })
    expect(t.outcomeOf(id)).toMatchObject({ result: '{"sheets":4}', attempts: 1 })
    await t.close()
  })

  it('is asked about when its counterpart does not answer in time', async () => {
    const { t, counterpart, submit } = await rig()
    counterpart.answer = () => ({ status: 202, token: TOKEN })
    const { id } = await submit('a')
    await t.drain()
    counterpart.lookup = () => ({ sheets: 5 })
    await t.advance('2h')
    await t.advance('1m')
    expect(t.outcomeOf(id)).toMatchObject({ state: 'succeeded', result: '{"sheets":5}' })
    await expect(t.complete(TOKEN, ok())).rejects.toMatchObject({ code: 'token_unknown' })
    await t.close()
  })

  it('tells those who listen in this process how it went on', async () => {
    const { t, counterpart, submit } = await rig()
    const heard: string[] = []
    const hear = ({ id, state }: SettledEvent) => heard.push(`${id} ${state}`)
    for (const state of ['succeeded', 'reconciling', 'retrying'] as const) t.spillway.on(state, hear)
    counterpart.answer = () => ({ status: 504 })
    const { id } = await submit('a')
    await t.drain()
    counterpart.answer = () => ({ status: 200 })
    await t.advance('2s')
    expect(heard).toEqual([`${id} reconciling`, `${id} retrying`, `${id} succeeded`])
    await t.close()
  })
})
