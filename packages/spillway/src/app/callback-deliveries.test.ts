import { afterEach, describe, expect, it } from 'vitest'
import { Order, OrderRig } from '../../test/callbacks/order-rig.js'
import { Receiver } from '../../test/callbacks/receiver.js'
import { type CallbackOptions, createSpillway, defineCommand, type Role } from '../index.js'
import { systemClock } from '../runtime/index.js'
import { memory } from '../stores/memory/index.js'
import { VirtualClock } from '../testing/index.js'

let rig: OrderRig
let upstream: Receiver | undefined
afterEach(async () => {
  await rig?.close()
  await upstream?.close()
  upstream = undefined
})

describe('the delivery of a callback', () => {
  it('is tried again by the schedule, with the same id and body, and the ledger has every answer', async () => {
    rig = await OrderRig.open()
    rig.receiver.answers.push(
      { status: 500, body: 'out of order' },
      { status: 503, headers: { 'retry-after': '900' } },
    )
    await rig.submit('a')
    await rig.t.drain()
    expect(rig.receiver.taken).toHaveLength(1)
    await rig.t.advance('4900ms')
    expect(rig.receiver.taken).toHaveLength(1)
    await rig.t.advance('800ms')
    expect(rig.receiver.taken).toHaveLength(2)
    // 5 min by the schedule, but the receiver asked for 15.
    await rig.t.advance('899s')
    expect(rig.receiver.taken).toHaveLength(2)
    await rig.t.advance('91s')
    expect(rig.receiver.taken).toHaveLength(3)
    expect(new Set(rig.receiver.taken.map(({ id }) => id)).size).toBe(1)
    expect(new Set(rig.receiver.taken.map(({ body }) => body)).size).toBe(1)
    const [sent] = (await rig.t.spillway.callbacks.list({ limit: 10 })).items
    expect(sent?.delivery).toMatchObject({ state: 'succeeded', attempts: 3 })
    expect(sent?.delivery.history.map(({ error }) => error?.message ?? null).slice(0, 2)).toEqual([
      'the receiver answered 500: out of order',
      'the receiver answered 503',
    ])
    expect(rig.deliveries()).toMatchObject([
      { outcome: 'retry', status: 500 },
      { outcome: 'retry' },
      { outcome: 'delivered' },
    ])
  })

  it('ends as a dead letter after the last attempt, and is made up for by hand under the same id', async () => {
    rig = await OrderRig.open({ callbacks: { schedule: ['5s'] } })
    rig.receiver.answers.push({ status: 500 }, { status: 502 })
    await rig.submit('a')
    await rig.t.drain()
    await rig.t.advance('6s')
    expect(rig.deliveries().at(-1)).toMatchObject({ outcome: 'failed', status: 502 })
    const [dead] = (await rig.t.spillway.callbacks.list({ state: 'dead', limit: 10 })).items
    expect(dead?.delivery).toMatchObject({ state: 'dead', attempts: 2 })
    expect(
      await rig.t.spillway.callbacks.redeliver(dead?.id ?? '', { actor: 'ada', reason: 'they are back' }),
    ).toBe(dead?.id)
    await expect(rig.t.spillway.callbacks.redeliver(dead?.id ?? '')).rejects.toMatchObject({
      code: 'state_conflict',
    })
    await rig.t.advance('1s')
    expect(rig.receiver.taken).toHaveLength(3)
    expect(new Set(rig.receiver.taken.map(({ id, body }) => `${id} ${body}`)).size).toBe(1)
    expect((await rig.t.spillway.audit({ limit: 10 })).items).toMatchObject([
      { actor: 'ada', action: 'callback.redeliver', target: dead?.id, reason: 'they are back', count: 1 },
    ])
  })

  it('that succeeded is repeated as a command of their own, under the same webhook id', async () => {
    rig = await OrderRig.open()
    await rig.submit('a')
    await rig.t.drain()
    const [sent] = (await rig.t.spillway.callbacks.list({ limit: 10 })).items
    const again = await rig.t.spillway.callbacks.redeliver(sent?.id ?? '')
    expect(again).not.toBe(sent?.id)
    await rig.t.drain()
    expect(rig.receiver.taken).toHaveLength(2)
    expect(new Set(rig.receiver.taken.map(({ id, body }) => `${id} ${body}`)).size).toBe(1)
    expect((await rig.t.spillway.callbacks.list({ limit: 10 })).items.map(({ id }) => id).sort()).toEqual(
      [again, sent?.id].sort(),
    )
  })

  it('is not tried at an endpoint that answered 410, until somebody enables it', async () => {
    rig = await OrderRig.open()
    rig.receiver.answers.push({ status: 410, body: 'moved away' })
    await rig.submit('a')
    await rig.t.drain()
    await rig.submit('b')
    await rig.t.drain()
    expect(rig.receiver.taken).toHaveLength(1)
    const { items } = await rig.t.spillway.callbacks.list({ state: 'failed', limit: 10 })
    expect(items.map(({ delivery }) => delivery.error?.message)).toEqual([
      'gone: the endpoint answered 410 and is not called until it is enabled again',
      'gone: the receiver answered 410 Gone: moved away',
    ])
    expect(await rig.t.spillway.callbacks.goneEndpoints()).toEqual([
      { url: rig.receiver.url, goneAt: expect.any(Number) },
    ])
    expect(rig.deliveries()).toMatchObject([{ outcome: 'gone', status: 410 }])
    await expect(rig.t.spillway.callbacks.redeliver(items[0]?.id ?? '')).rejects.toMatchObject({
      code: 'endpoint_gone',
    })
    expect(await rig.t.spillway.callbacks.enableEndpoint(rig.receiver.url, { actor: 'ada' })).toBe('ok')
    expect(await rig.t.spillway.callbacks.enableEndpoint(rig.receiver.url)).toBe('not_found')
    await expect(rig.t.spillway.callbacks.enableEndpoint('nonsense')).rejects.toMatchObject({
      code: 'invalid_argument',
    })
    const { id } = await rig.t.spillway.operations.start({
      ...{ action: 'redrive', filter: { type: 'spillway.callback', state: 'failed' } },
    })
    await rig.t.advance('1s')
    expect(await rig.t.spillway.operations.get(id ?? '')).toMatchObject({ changed: 2 })
    expect(rig.receiver.taken).toHaveLength(3)
    expect((await rig.t.spillway.audit({ limit: 10 })).items.at(-1)).toMatchObject({
      ...{ actor: 'ada', action: 'callback.enable', target: rig.receiver.url.split('?')[0] },
    })
  })

  it('is found by its own id only', async () => {
    rig = await OrderRig.open()
    const id = await rig.submit('a')
    await rig.t.drain()
    for (const other of [id, 'nonsense', `${'0'.repeat(32)}-0`])
      await expect(rig.t.spillway.callbacks.redeliver(other)).rejects.toMatchObject({ code: 'not_found' })
    await expect(rig.t.spillway.callbacks.list({ limit: 0 })).rejects.toMatchObject({
      code: 'invalid_argument',
    })
  })
})

/** Two processes on one store, one after the other, each with a configuration of its own. */
async function processes() {
  const receiver = await Receiver.open()
  upstream = receiver
  const clock = new VirtualClock()
  const store = memory({ clock })
  const order = defineCommand({
    name: 'order',
    input: Order,
    queue: 'orders',
    handle: () => undefined,
    callback: () => receiver.url,
  })
  const start = (roles: Role[], options: Partial<CallbackOptions> = {}) =>
    createSpillway(
      {
        ...{ store, commands: [order], callbacks: receiver.callbacks(options) },
        ...{ queues: { orders: { channel: 'direct' } }, worker: { closeTimeout: 100 } },
      },
      { clock, roles, logs: 'silent' },
    )
  /** The answer of a call that waits for virtual time, and for what is real. */
  const driven = async <T>(call: Promise<T>): Promise<T> => {
    let open = true
    const over = () => {
      open = false
    }
    call.then(over, over)
    for (let steps = 0; open && steps < 5_000; steps += 1) {
      await clock.advance(10)
      await systemClock.sleep(1)
    }
    return call
  }
  return { receiver, order, start, driven }
}

describe('a callback that another process left behind', () => {
  it('is not delivered where the configuration forbids its url by now, and not tried again', async () => {
    const { receiver, order, start, driven } = await processes()
    const first = await start(['intake'])
    await driven(first.submit(order, { id: 'a' }))
    await driven(first.close())
    const second = await start(['worker', 'maintenance'], { allowAddresses: [] })
    await driven(second.drain())
    expect(receiver.taken).toEqual([])
    expect((await second.callbacks.list({ limit: 10 })).items).toMatchObject([
      { delivery: { state: 'dead', attempts: 1, error: { code: 'callback_refused' } } },
    ])
    await driven(second.close())
  })

  it('is delivered by the next process when one was closed in the middle of a delivery', async () => {
    const { receiver, order, start, driven } = await processes()
    let release = (): void => {}
    receiver.answers.push({
      ...{ status: 200 },
      after: new Promise((resolve) => {
        release = resolve
      }),
    })
    const first = await start(['intake', 'worker'])
    const { id } = await driven(first.submit(order, { id: 'a' }))
    await driven(receiver.reached(1))
    await driven(first.close())
    release()
    const second = await start(['worker', 'maintenance'])
    await driven(receiver.reached(2))
    await driven(second.drain())
    expect(receiver.taken.map(({ event: { data } }) => data.id)).toEqual([id, id])
    expect(new Set(receiver.taken.map((taken) => taken.id)).size).toBe(1)
    expect((await second.callbacks.list({ limit: 10 })).items).toMatchObject([
      { delivery: { state: 'succeeded' } },
    ])
    await driven(second.close())
  })
})
