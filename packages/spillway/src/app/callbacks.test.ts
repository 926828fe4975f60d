import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { Order, type OrderOptions, OrderRig } from '../../test/callbacks/order-rig.js'
import { Receiver, SECRET } from '../../test/callbacks/receiver.js'
import { createSpillway, defineCommand, direct, failed, ok, pending, pool, verifyCallback } from '../index.js'
import { memory } from '../stores/memory/index.js'
import { sqlite } from '../stores/sqlite/index.js'
import { testSpillway } from '../testing/index.js'

let rig: OrderRig
afterEach(() => rig?.close())

describe('callbacks', () => {
  it('tell upstream how a command ended, signed by Standard Webhooks', async () => {
    rig = await OrderRig.open()
    const id = await rig.submit('a')
    await rig.t.drain()
    const [taken, ...others] = rig.receiver.taken
    expect(others).toEqual([])
    expect(taken).toMatchObject({
      path: '/hook?tenant=7',
      event: {
        type: 'command.succeeded',
        data: {
          id,
          type: 'order',
          queue: 'default',
          state: 'succeeded',
          attempts: 1,
          result: { placed: 'a' },
        },
      },
    })
    const now = Number(taken?.headers['webhook-timestamp']) * 1_000
    expect(verifyCallback(taken?.headers ?? {}, taken?.body ?? '', [SECRET], { now })).toEqual({
      id: taken?.id,
      attemptedAt: now,
    })
    const { items, next } = await rig.t.spillway.callbacks.list({ limit: 10 })
    expect(next).toBeNull()
    expect(items).toMatchObject([
      {
        ...{ commandId: id, webhookId: taken?.id, event: 'command.succeeded', url: rig.receiver.url },
        delivery: { state: 'succeeded', attempts: 1, type: 'spillway.callback' },
      },
    ])
    expect(JSON.parse(items[0]?.delivery.result ?? '{}')).toEqual({
      status: 200,
      durationMs: expect.any(Number),
    })
    expect(rig.deliveries()).toMatchObject([{ outcome: 'delivered', status: 200 }])
  })

  it.each([
    ['failed', { handle: () => failed('not this one') }],
    [
      'dead',
      {
        handle: () => {
          throw new Error('broken')
        },
      },
    ],
    ['compensated', { handle: () => failed('undo it'), compensate: () => {} }],
  ] as const)('tell of a command that ended %s', async (state, options) => {
    rig = await OrderRig.open(options as OrderOptions)
    const id = await rig.submit('a')
    await rig.t.advance('1s')
    expect(rig.receiver.taken).toMatchObject([
      { event: { type: `command.${state}`, data: { id, state, error: { message: expect.any(String) } } } },
    ])
    expect(rig.receiver.taken[0]?.event.data).not.toHaveProperty('error.stack')
  })

  it.each([
    ['pool', pool()],
    ['direct', direct()],
  ])('tell of a command on the %s channel', async (_, channel) => {
    rig = await OrderRig.open({ channel })
    const id = await rig.submit('a')
    await rig.t.drain()
    expect(rig.receiver.taken).toMatchObject([{ event: { data: { id, state: 'succeeded' } } }])
  })

  it('tell of an end that the counterpart or an operator brought about', async () => {
    rig = await OrderRig.open({
      callbacks: { on: ['succeeded', 'cancelled'] },
      handle: ({ id }, ctx) =>
        id === 'bad' ? Promise.reject(new Error('no')) : pending({ token: tokenOf(ctx.id), deadline: '1h' }),
    })
    const tokenOf = (id: string) => `token-for-${id}`
    const answered = await rig.submit('a')
    const dead = await rig.submit('bad')
    await rig.t.drain()
    expect(rig.receiver.taken).toEqual([])
    await rig.t.complete(tokenOf(answered), ok(1))
    await rig.t.spillway.discard([dead, answered])
    await rig.t.spillway.pause('default')
    const cancelled = await rig.submit('c')
    await rig.t.spillway.cancel([cancelled])
    await rig.t.drain()
    const told = rig.receiver.taken.map(({ event: { data } }) => `${data.id} ${data.state}`)
    expect(told.sort()).toEqual(
      [`${answered} succeeded`, `${dead} cancelled`, `${cancelled} cancelled`].sort(),
    )
  })

  it('tell only of the ends that the configuration names, and only where there is a url', async () => {
    rig = await OrderRig.open({ callbacks: { on: ['dead'] }, callback: ({ url }) => url })
    await rig.submit('a', 'https://upstream.example/hook')
    await rig.t.drain()
    expect(await rig.t.spillway.callbacks.list({ limit: 10 })).toEqual({ items: [], next: null })
    await rig.t.close()
    await rig.receiver.close()
    rig = await OrderRig.open({ callback: ({ url }) => url })
    await rig.submit('a')
    await rig.t.drain()
    expect(await rig.t.spillway.callbacks.list({ limit: 10 })).toEqual({ items: [], next: null })
  })

  it('tell of a redriven command again, which is another callback', async () => {
    let broken = true
    rig = await OrderRig.open({
      handle: () => {
        if (broken) throw new Error('broken')
        return 'mended'
      },
    })
    const id = await rig.submit('a')
    await rig.t.drain()
    await rig.t.spillway.redrive([id])
    await rig.t.advance('1s')
    broken = false
    await rig.t.spillway.redrive([id])
    await rig.t.advance('1s')
    expect(rig.receiver.taken.map(({ event }) => event.type)).toEqual([
      'command.dead',
      'command.dead',
      'command.succeeded',
    ])
    expect(new Set(rig.receiver.taken.map((taken) => taken.id)).size).toBe(3)
  })

  it('are not even stored for a url that may not be called', async () => {
    rig = await OrderRig.open()
    const id = await rig.submit('a', 'http://169.254.169.254/latest/meta-data')
    await rig.t.drain()
    expect(rig.t.outcomeOf(id)).toMatchObject({ state: 'succeeded' })
    expect(await rig.t.spillway.callbacks.list({ limit: 10 })).toEqual({ items: [], next: null })
    expect(rig.deliveries()).toMatchObject([{ outcome: 'blocked', status: null }])
    expect(await rig.t.spillway.metrics.render()).toContain(
      'spillway_callback_delivery_total{outcome="blocked"} 1',
    )
  })

  it('disturb no command whose callback function throws', async () => {
    rig = await OrderRig.open({
      callback: () => {
        throw new Error('no url today')
      },
      callbacks: { on: ['succeeded', 'cancelled'] },
    })
    const id = await rig.submit('a')
    await rig.t.drain()
    expect(rig.t.outcomeOf(id)).toMatchObject({ state: 'succeeded' })
    await rig.t.spillway.pause('default')
    const other = await rig.submit('b')
    expect(await rig.t.spillway.cancel([other])).toEqual(['ok'])
    expect(rig.events.filter(({ event }) => event === 'fault')).toMatchObject([
      { where: 'callback of order', error: { message: 'no url today' } },
      { where: 'callback of order', error: { message: 'no url today' } },
    ])
  })

  it('are shown among the queues only while there are any, and may be paused', async () => {
    rig = await OrderRig.open()
    const queues = async () => (await rig.t.spillway.queues()).map(({ queue }) => queue)
    await rig.t.spillway.pause('spillway.callbacks')
    await rig.submit('a')
    await rig.t.drain()
    expect(rig.receiver.taken).toEqual([])
    expect(await queues()).toEqual(['default', 'spillway.callbacks'])
    await rig.t.spillway.resume('spillway.callbacks')
    await rig.t.drain()
    expect(rig.receiver.taken).toHaveLength(1)
    expect(await queues()).toEqual(['default'])
  })

  it.each([
    ['a secret that is none', { secrets: ['hunter2'] }],
    ['a port that is none', { allowPorts: [0] }],
  ])('are refused with %s, before anything starts', async (_, callbacks) => {
    const config = { schedule: [], secrets: [SECRET], ...callbacks }
    await expect(testSpillway({ store: memory(), commands: [], callbacks: config })).rejects.toMatchObject({
      code: 'invalid_config',
    })
  })
})

describe('callbacks on SQLite', () => {
  it('are stored in the commit that ends the command, and delivered', async () => {
    const receiver = await Receiver.open()
    const folder = await mkdtemp(join(tmpdir(), 'spillway-callbacks-'))
    const order = defineCommand({
      name: 'order',
      input: Order,
      handle: ({ id }) => (id === 'b' ? failed('not b') : undefined),
      callback: () => receiver.url,
    })
    const config = { commands: [order], callbacks: receiver.callbacks({ schedule: [10, 10] }) }
    const spillway = await createSpillway(
      { ...config, store: sqlite(join(folder, 'spillway.db')), maintenance: { promoteEvery: 5 } },
      { migrate: true, logs: 'silent' },
    )
    try {
      const delivered = { types: ['spillway.callback'], states: ['succeeded'] } as const
      const events = spillway.events(delivered)[Symbol.asyncIterator]()
      receiver.answers.push({ status: 500 })
      const ids = (await spillway.submitMany(order, [{ id: 'a' }, { id: 'b' }])).map((verdict) =>
        verdict.ok ? verdict.receipt.id : '',
      )
      await events.next()
      await events.next()
      const told = receiver.taken.map(({ event: { data } }) => `${data.id} ${data.state}`)
      expect([...new Set(told)].sort()).toEqual([`${ids[0]} succeeded`, `${ids[1]} failed`])
      expect(receiver.taken).toHaveLength(3)
      const { items } = await spillway.callbacks.list({ limit: 10 })
      expect(items.map(({ delivery }) => delivery.state)).toEqual(['succeeded', 'succeeded'])
      expect(await spillway.accounting()).toMatchObject({ accepted: 4, succeeded: 3, failed: 1 })
    } finally {
      await spillway.close()
      await receiver.close()
      await rm(folder, { recursive: true })
    }
  })
})
