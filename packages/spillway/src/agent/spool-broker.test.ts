import { describe, expect, it } from 'vitest'
import { DOUBT, ModelDestination } from '../../test/agent/model-destination.js'
import { chunkIdOf, envelopeOf, type FrameOptions } from '../../test/agent/model-tail.js'
import { ENVELOPE_CONTENT_TYPE, readAddress } from '../domain/index.js'
import type { Delivery } from '../ports/index.js'
import { seededRandom } from '../testing/seeded-random.js'
import { VirtualClock } from '../testing/virtual-clock.js'
import type { AddressedFrame, ShipVerdict } from './destination.js'
import { OVERFLOW_AFTER_MS } from './limits.js'
import { SpoolBroker } from './spool-broker.js'

async function rig() {
  const clock = new VirtualClock()
  const store = new ModelDestination({ batchFramesMax: 10 })
  const broker = new SpoolBroker({ clock, store, random: seededRandom(1) })
  await broker.open([{ name: 'main', partitions: null }])
  const verdicts = new Map<string, ShipVerdict['status']>()
  const offer = (n: number, options?: FrameOptions): void => {
    const frame = frameOf(n, options)
    const { queue, id } = frame.address
    void broker
      .route(queue)
      .ship([frame])
      .then(([verdict]) => verdicts.set(id, (verdict as ShipVerdict).status))
  }
  const subscribe = async (credit: number) => {
    const deliveries: Delivery[] = []
    const subscription = await broker.subscribe({
      ...{ queue: 'main', credit },
      onDelivery: (delivery) => deliveries.push(delivery),
    })
    return { deliveries, subscription, ids: () => deliveries.map(({ id }) => id) }
  }
  const verdict = (n: number) => verdicts.get(chunkIdOf(n)) ?? 'open'
  return { clock, store, broker, offer, subscribe, verdict }
}

function frameOf(n: number, options?: FrameOptions): AddressedFrame {
  const payload = envelopeOf(n, options)
  return { payload, address: readAddress(payload) }
}

describe('SpoolBroker', () => {
  it('delivers frames as a broker would, and has shipped those that were acknowledged', async () => {
    const { clock, offer, subscribe, verdict } = await rig()
    offer(0)
    const { deliveries } = await subscribe(5)
    await clock.advance(0)
    expect(deliveries).toMatchObject([
      { id: chunkIdOf(0), contentType: ENVELOPE_CONTENT_TYPE, headers: {}, redelivered: false },
    ])
    expect(Buffer.from(deliveries[0]?.body as Uint8Array)).toEqual(envelopeOf(0))
    expect(verdict(0)).toBe('open')
    deliveries[0]?.ack()
    deliveries[0]?.refuse('too late')
    await clock.advance(0)
    expect(verdict(0)).toBe('shipped')
  })

  it('gives no more than its credit into the worker’s hands', async () => {
    const { clock, broker, offer, subscribe } = await rig()
    const { deliveries, ids } = await subscribe(2)
    for (const n of [0, 1, 2, 3]) offer(n)
    await clock.advance(0)
    expect(ids()).toEqual([chunkIdOf(0), chunkIdOf(1)])
    expect(await broker.state()).toMatchObject([{ queue: 'main', delivered: 2 }])
    deliveries[1]?.ack()
    await clock.advance(0)
    expect(ids().slice(2)).toEqual([chunkIdOf(2)])
  })

  it('delivers again, in order, what was released or given back by closing', async () => {
    const { clock, offer, subscribe, verdict } = await rig()
    const { deliveries, ids, subscription } = await subscribe(3)
    for (const n of [0, 1, 2, 3]) offer(n)
    await clock.advance(0)
    deliveries[0]?.release()
    deliveries[1]?.release()
    await clock.advance(0)
    expect(ids().slice(3)).toEqual([chunkIdOf(0), chunkIdOf(1)])
    expect(deliveries[3]?.redelivered).toBe(true)
    await subscription.close()
    deliveries[3]?.ack()
    const second = await subscribe(9)
    await clock.advance(0)
    expect(second.ids()).toEqual([0, 1, 2, 3].map(chunkIdOf))
    expect(verdict(0)).toBe('open')
  })

  it('has refused what the worker cannot read', async () => {
    const { clock, offer, subscribe, verdict } = await rig()
    const { deliveries } = await subscribe(1)
    offer(0)
    await clock.advance(0)
    deliveries[0]?.refuse('garbage')
    await clock.advance(0)
    expect(verdict(0)).toBe('refused')
  })

  it('leaves to the store what no worker takes in time, and nothing that one has', async () => {
    const { clock, store, offer, subscribe, verdict } = await rig()
    const { deliveries } = await subscribe(1)
    for (const n of [0, 1, 2]) offer(n)
    await clock.advance(OVERFLOW_AFTER_MS)
    expect(store.shipped).toEqual([[chunkIdOf(1), chunkIdOf(2)]])
    store.calls[0]?.answer(DOUBT)
    await clock.advance(100)
    store.calls[0]?.answer()
    deliveries[0]?.ack()
    await clock.advance(0)
    expect([0, 1, 2].map(verdict)).toEqual(['shipped', 'shipped', 'shipped'])
  })

  it('leaves the order of a partition to the worker that is there, or to the store when none is', async () => {
    const { clock, store, offer, subscribe } = await rig()
    const { subscription } = await subscribe(1)
    for (const n of [0, 1]) offer(n, { partition: 3 })
    await clock.advance(OVERFLOW_AFTER_MS * 2)
    expect(store.shipped).toEqual([])
    await subscription.close()
    await clock.advance(OVERFLOW_AFTER_MS * 2)
    expect(store.shipped).toEqual([[chunkIdOf(0), chunkIdOf(1)]])
  })

  it('sends queues that it was not opened with to the store at once', async () => {
    const { clock, store, broker, offer } = await rig()
    offer(0, { queue: 'unheard-of' })
    await clock.advance(0)
    expect(store.shipped).toEqual([[chunkIdOf(0)]])
    await expect(
      broker.subscribe({ queue: 'unheard-of', credit: 1, onDelivery: () => {} }),
    ).rejects.toMatchObject({ code: 'invalid_argument' })
  })

  it('leaves in doubt what had not ended when it closes', async () => {
    const { clock, store, broker, offer, subscribe, verdict } = await rig()
    const { deliveries } = await subscribe(1)
    for (const n of [0, 1]) offer(n)
    await clock.advance(OVERFLOW_AFTER_MS)
    const closed = broker.close()
    store.calls[0]?.answer(DOUBT)
    await clock.advance(0)
    await closed
    deliveries[0]?.ack()
    offer(2)
    await clock.advance(0)
    expect([0, 1, 2].map(verdict)).toEqual(['unknown', 'unknown', 'unknown'])
    expect(clock.pending).toBe(0)
  })

  it('takes nothing but frames', async () => {
    const { broker } = await rig()
    const message = {
      ...{ id: 'x', queue: 'main', partition: null },
      contentType: 'x',
      body: new Uint8Array(),
    }
    expect(await broker.publish([message])).toMatchObject([
      { status: 'refused', error: { code: 'unsupported' } },
    ])
  })
})
