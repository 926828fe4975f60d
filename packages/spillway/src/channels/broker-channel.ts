// A command's receipt is given once the broker has confirmed its chunk. The database need not be up for that; who consumes stores the
// chunk and executes it.

import type { BrokerSpec } from '../config/index.js'
import {
  type ChunkDraft,
  CLOUD_EVENT_CONTENT_TYPE,
  ENVELOPE_CONTENT_TYPE,
  encodeEnvelope,
  encodeEventChunk,
} from '../domain/index.js'
import type { SpillwayError } from '../errors/index.js'
import type { OutgoingMessage } from '../ports/index.js'
import { CarriedKeeping } from './carried-keeping.js'
import type { Carrier, Parcel } from './carrier.js'
import type { ChannelContext } from './channel-context.js'
import { DurableChannel } from './durable-channel.js'
import { Publisher } from './publisher.js'

export function brokerChannel(spec: BrokerSpec, context: ChannelContext): DurableChannel {
  return new DurableChannel(spec, context, new CarriedKeeping(new BrokerCarrier(spec, context), context))
}

class BrokerCarrier implements Carrier {
  readonly kind = 'broker'
  readonly name: string
  readonly durability = 'broker'
  readonly inFlightMax: number
  readonly parcelCommandsMax: number | null
  readonly #spec: BrokerSpec
  readonly #publisher: Publisher

  constructor(spec: BrokerSpec, { queue, clock }: ChannelContext) {
    const { broker, envelope, publishesMax } = spec
    this.#spec = spec
    this.#publisher = new Publisher({ broker, clock })
    this.name = broker.name
    this.inFlightMax = queue.partitions === null ? publishesMax : 1
    this.parcelCommandsMax = envelope === 'cloudevents' ? 1 : null
  }

  parcelBytesMax(): number {
    return this.#spec.broker.capabilities.messageBytesMax
  }

  encode(draft: ChunkDraft): Parcel {
    return this.#spec.envelope === 'cloudevents'
      ? { draft, contentType: CLOUD_EVENT_CONTENT_TYPE, body: Buffer.from(encodeEventChunk(draft)) }
      : { draft, contentType: ENVELOPE_CONTENT_TYPE, body: Buffer.from(encodeEnvelope(draft)) }
  }

  carry(parcels: readonly Parcel[]): Promise<readonly (SpillwayError | null)[]> {
    return this.#publisher.publish(parcels.map(messageOf))
  }
}

function messageOf({ draft, contentType, body }: Parcel): OutgoingMessage {
  const { id, queue, partition } = draft
  return { id, queue, partition, contentType, body }
}
