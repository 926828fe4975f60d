// Frames to a broker, as messages that carry them unread: the message's id is the chunk's, so that what arrives twice is recognised by
// whoever stores it.

import { ENVELOPE_CONTENT_TYPE } from '../domain/index.js'
import type { Broker, OutgoingMessage, PublishVerdict } from '../ports/index.js'
import { type AddressedFrame, type Destination, SHIPPED, type ShipVerdict } from './destination.js'

/** Enough that a round trip is shared, few enough that a resend is small. */
const BATCH_FRAMES_MAX = 64
const BATCH_BYTES_MAX = 1024 * 1024
const BATCHES_MAX = 4

export function brokerDestination(broker: Broker): Destination {
  return {
    name: broker.name,
    batchFramesMax: BATCH_FRAMES_MAX,
    batchBytesMax: BATCH_BYTES_MAX,
    batchesMax: BATCHES_MAX,
    orderKeptBy: 'nothing',
    async ship(frames) {
      try {
        const verdicts = await broker.publish(frames.map(messageOf))
        return frames.map((_, index) => verdictOf(verdicts[index]))
      } catch (error) {
        return frames.map(() => ({ status: 'unknown', error }))
      }
    },
  }
}

function messageOf({ address, payload }: AddressedFrame): OutgoingMessage {
  const { id, queue, partition } = address
  return { id, queue, partition, contentType: ENVELOPE_CONTENT_TYPE, body: payload }
}

function verdictOf(verdict: PublishVerdict | undefined): ShipVerdict {
  switch (verdict?.status) {
    case 'confirmed':
      return SHIPPED
    case 'refused':
      return { status: 'refused', reason: verdict.error.message }
    case 'unknown':
      return { status: 'unknown', error: verdict.error }
    case undefined:
      return { status: 'unknown', error: new Error('The broker gave no verdict.') }
  }
}
