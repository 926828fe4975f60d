import type { KafkaMessage } from 'kafkajs'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Delivery } from '../../ports/index.js'
import { Lane } from './lane.js'

let deliveries: Delivery[]
let ended: number
let later: (() => void)[]
let kept: string[]
let keeps: boolean[]
let lane: Lane

beforeEach(() => {
  ;[deliveries, ended, later, kept, keeps] = [[], 0, [], [], []]
  lane = new Lane(0, {
    onDelivery: (delivery) => void deliveries.push(delivery),
    onEnded: () => {
      ended += 1
    },
    keep(_, reason) {
      kept.push(reason)
      return Promise.resolve(keeps.shift() ?? true)
    },
    later: (_, run) => void later.push(run),
  })
})

function deliver(...offsets: number[]): void {
  for (const offset of offsets)
    lane.deliver({ offset: String(offset), value: Buffer.from('') } as KafkaMessage)
}

describe('a lane', () => {
  it('is committed as far as everything before was ended, in any order and over gaps', () => {
    expect(lane.toCommit).toBe(null)
    deliver(5, 6, 9)
    expect(lane.toCommit).toBe(null)
    deliveries[1]?.ack()
    expect(lane.toCommit).toBe(null)
    deliveries[0]?.ack()
    expect(lane.toCommit).toBe(9)
    lane.committed(9)
    expect(lane.toCommit).toBe(null)
    deliveries[2]?.ack()
    expect([lane.toCommit, lane.inHand, ended]).toEqual([10, 0, 3])
  })

  it('delivers what was released again, and keeps its place', () => {
    deliver(1, 2)
    deliveries[0]?.release()
    deliveries[1]?.ack()
    expect([lane.toCommit, lane.inHand, deliveries.length]).toEqual([null, 1, 2])
    later.shift()?.()
    expect(deliveries[2]?.redelivered).toBe(true)
    deliveries[0]?.ack()
    expect(lane.toCommit).toBe(null)
    deliveries[2]?.ack()
    expect(lane.toCommit).toBe(3)
  })

  it('ends what is refused once that is kept elsewhere', async () => {
    keeps = [false]
    deliver(1)
    deliveries[0]?.refuse('broken')
    await Promise.resolve()
    expect([kept, lane.toCommit]).toEqual([['broken'], null])
    later.shift()?.()
    await Promise.resolve()
    expect([kept, lane.toCommit]).toEqual([['broken', 'broken'], 2])
  })

  it('changes nothing any more once it is somebody else’s', async () => {
    deliver(1, 2, 3, 4)
    deliveries[0]?.release()
    deliveries[1]?.refuse('broken')
    lane.revoke()
    deliveries[2]?.ack()
    for (const run of later) run()
    deliver(5)
    await Promise.resolve()
    expect([lane.inHand, ended, deliveries.length]).toEqual([0, 0, 4])
  })
})
