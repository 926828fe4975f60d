// What a worker that consumes, or who publishes to it, could get wrong about a broker: each of it in the way of the product's own parts.

import { decodeEnvelope, ENVELOPE_CONTENT_TYPE, encodeEnvelope } from '../../src/domain/index.js'
import type { Broker, Delivery, OutgoingMessage } from '../../src/ports/index.js'
import type { ConsumerProcess } from './deliveries-kit.js'
import type { Flaw } from './deliveries-storm.js'

export const FLAWS: readonly Flaw[] = [
  {
    name: 'what was delivered is acknowledged before it is stored',
    inWorker: (process) =>
      changeDeliveries(process, (delivery) => {
        delivery.ack()
        return delivery
      }),
  },
  {
    name: 'what was delivered is acknowledged when storing it failed',
    inWorker(process) {
      const open = new Map<string, Delivery>()
      changeDeliveries(process, (delivery) => {
        if (delivery.id !== null) open.set(delivery.id, delivery)
        return delivery
      })
      const { append } = process.tamper
      process.tamper.append = async (call, ...args) => {
        try {
          return await append?.(call, ...args)
        } catch (error) {
          for (const { id } of args[0] as readonly { readonly id: string }[]) open.get(id)?.ack()
          throw error
        }
      }
    },
  },
  {
    name: 'what is delivered again is stored again',
    inWorker: (process) =>
      changeDeliveries(process, (delivery) =>
        delivery.redelivered ? { ...delivery, body: underAnotherId(delivery) } : delivery,
      ),
  },
  {
    name: 'what is sent again has another id',
    inPublisher(broker) {
      const sent = new Set<string>()
      return publishingBy(broker, (messages) => {
        const renamed = messages.map((message) =>
          sent.has(message.id)
            ? { ...message, id: another(message.id), body: underAnotherId(message) }
            : message,
        )
        for (const { id } of messages) sent.add(id)
        return broker.publish(renamed)
      })
    },
  },
  {
    name: 'no answer is taken for a confirm',
    inPublisher: (broker) =>
      publishingBy(broker, async (messages) =>
        (await broker.publish(messages)).map((verdict) =>
          verdict.status === 'unknown' ? { status: 'confirmed' } : verdict,
        ),
      ),
  },
]

function changeDeliveries({ broker }: ConsumerProcess, change: (delivery: Delivery) => Delivery): void {
  const subscribe = broker.subscribe.bind(broker)
  broker.subscribe = ({ onDelivery, ...request }) =>
    subscribe({ ...request, onDelivery: (delivery) => onDelivery(change(delivery)) })
}

function publishingBy({ name }: Broker, publish: Broker['publish']): Pick<Broker, 'name' | 'publish'> {
  return { name, publish }
}

function underAnotherId({
  contentType,
  body,
}: Pick<OutgoingMessage, 'body'> & Pick<Delivery, 'contentType'>) {
  if (contentType !== ENVELOPE_CONTENT_TYPE) return body
  const draft = decodeEnvelope(body)
  return Buffer.from(encodeEnvelope({ ...draft, id: another(draft.id) }))
}

function another(id: string): string {
  return id.replace(/^../, 'ff')
}
