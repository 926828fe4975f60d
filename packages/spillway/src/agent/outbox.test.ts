import { describe, expect, it } from 'vitest'
import { ModelDestination } from '../../test/agent/model-destination.js'
import { chunkIdOf } from '../../test/agent/model-tail.js'
import type { Destination } from './destination.js'
import { type Batch, Outbox } from './outbox.js'

function frame(n: number, destination: Destination, partition: number | null = null, bytes = 10) {
  const address = { id: chunkIdOf(n), queue: 'main', type: 't', partition, size: 1 }
  return {
    address,
    ...{ payload: new Uint8Array(bytes), count: 1, writtenAt: 0, slot: { end: n, bytes }, destination },
  }
}
const places = (batch: Batch<number> | null) => batch?.frames.map(({ slot }) => slot.end) ?? null

describe('Outbox', () => {
  it('hands out frames in order, no more at once and no larger than the destination takes', () => {
    const destination = new ModelDestination({ batchFramesMax: 3, batchBytesMax: 25, batchesMax: 9 })
    const outbox = new Outbox<number>()
    for (const n of [1, 2, 3]) outbox.push(frame(n, destination))
    outbox.push(frame(4, destination, null, 100))
    for (const n of [5, 6, 7, 8]) outbox.push(frame(n, destination, null, 1))
    const batches = Array.from({ length: 6 }, () => places(outbox.next()))
    // The large one goes alone.
    expect(batches).toEqual([[1, 2], [3], [4], [5, 6, 7], [8], null])
  })

  it('has no more batches under way than the destination takes', () => {
    const destination = new ModelDestination({ batchFramesMax: 1, batchesMax: 2 })
    const outbox = new Outbox<number>()
    for (const n of [1, 2, 3]) outbox.push(frame(n, destination))
    const first = outbox.next() as Batch<number>
    expect([places(first), places(outbox.next()), places(outbox.next())]).toEqual([[1], [2], null])
    outbox.ended(first)
    expect(places(outbox.next())).toEqual([3])
  })

  it('sends frames to different destinations apart', () => {
    const [a, b] = [new ModelDestination(), new ModelDestination()]
    const outbox = new Outbox<number>()
    for (const [n, destination] of [a, a, b, a].entries()) outbox.push(frame(n, destination))
    expect(places(outbox.next())).toEqual([0, 1])
    expect(outbox.underWay).toBe(1)
  })

  const order = (orderKeptBy: Destination['orderKeptBy']) => {
    const destination = new ModelDestination({ batchFramesMax: 9, batchesMax: 9, orderKeptBy })
    const outbox = new Outbox<number>()
    for (const [n, partition] of [null, 1, 2, 1].entries()) outbox.push(frame(n, destination, partition))
    const first = outbox.next() as Batch<number>
    outbox.push(frame(4, destination, 1))
    const second = places(outbox.next())
    outbox.ended(first)
    return [places(first), second, places(outbox.next())]
  }

  it('lets nothing overtake in a partition where parts of a call may arrive', () => {
    expect(order('nothing')).toEqual([[0, 1, 2], null, [3]])
  })

  it('lets a partition have many frames in one call, where that arrives as it is', () => {
    expect(order('call')).toEqual([[0, 1, 2, 3], null, [4]])
  })

  it('lets a partition have many calls, where they arrive in order', () => {
    expect(order('calls')).toEqual([[0, 1, 2, 3], [4], null])
  })
})
