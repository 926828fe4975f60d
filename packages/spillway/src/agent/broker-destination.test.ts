import { describe, expect, it } from 'vitest'
import { chunkIdOf, envelopeOf } from '../../test/agent/model-tail.js'
import { ENVELOPE_CONTENT_TYPE, readAddress } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import type { Broker, OutgoingMessage, PublishVerdict } from '../ports/index.js'
import { brokerDestination } from './broker-destination.js'

function brokerThat(publish: (messages: readonly OutgoingMessage[]) => Promise<readonly PublishVerdict[]>) {
  return { name: 'model', publish } as Broker
}
const frames = [envelopeOf(0), envelopeOf(1, { queue: 'orders', partition: 3 }), envelopeOf(2)].map(
  (payload) => ({ payload, address: readAddress(payload) }),
)

describe('frames to a broker', () => {
  it('are messages that carry them unread, under the id of their chunk', async () => {
    const sent: OutgoingMessage[] = []
    const broker = brokerThat(async (messages) => {
      sent.push(...messages)
      return messages.map(() => ({ status: 'confirmed' }))
    })
    expect(await brokerDestination(broker).ship(frames)).toEqual(frames.map(() => ({ status: 'shipped' })))
    expect(sent[1]).toEqual({
      ...{ id: chunkIdOf(1), queue: 'orders', partition: 3, contentType: ENVELOPE_CONTENT_TYPE },
      body: frames[1]?.payload,
    })
    expect(sent[1]?.body).toBe(frames[1]?.payload)
  })

  it('are refused, or in doubt, one by one', async () => {
    const away = new SpillwayError('broker_unavailable', 'no answer')
    const large = new SpillwayError('payload_too_large', 'send less')
    const broker = brokerThat(async () => [
      { status: 'confirmed' },
      { status: 'refused', error: large },
      { status: 'unknown', error: away },
    ])
    expect(await brokerDestination(broker).ship(frames)).toEqual([
      { status: 'shipped' },
      { status: 'refused', reason: 'send less' },
      { status: 'unknown', error: away },
    ])
  })

  it('are all in doubt when a driver throws or leaves out an answer', async () => {
    const error = new Error('driver')
    const throwing = brokerThat(async () => Promise.reject(error))
    expect(await brokerDestination(throwing).ship(frames)).toEqual(
      frames.map(() => ({ status: 'unknown', error })),
    )
    const silent = brokerThat(async () => [])
    expect(await brokerDestination(silent).ship(frames)).toMatchObject(
      frames.map(() => ({ status: 'unknown' })),
    )
  })
})
