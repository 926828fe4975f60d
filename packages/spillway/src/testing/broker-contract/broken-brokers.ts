// Brokers that are broken on purpose, each in one way, by what stands between the contract and a good one.

import type { Broker, Delivery, OutgoingMessage, PublishVerdict } from '../../ports/index.js'

export type Break = (broker: Broker) => Partial<Broker>

/** What is wrong, the theme that has to find it, and how it is made so. */
export type BrokenBroker = readonly [bug: string, theme: string, breakIt: Break]

const CONFIRMED: PublishVerdict = { status: 'confirmed' }

export const BROKEN_BROKERS: readonly BrokenBroker[] = [
  ['confirms what it does not keep', 'publish', publishing(keepingHalf)],
  ['confirms what it refused', 'publish', publishing(confirmingAll)],
  ['loses headers', 'publish', sending((message) => ({ ...message, headers: {} }))],
  ['cuts bodies', 'publish', sending((message) => ({ ...message, body: message.body.subarray(0, 1_000) }))],
  ['takes bodies for text', 'publish', delivering((delivery) => ({ body: asText(delivery.body) }))],
  ['mixes queues up', 'publish', sending((message) => ({ ...message, queue: message.queue.toLowerCase() }))],
  ['takes less than it says', 'publish', saying({ messageBytesMax: 4 * 1024 * 1024 })],
  ['delivers twice', 'deliver', subscribing((deliver, delivery) => [deliver(delivery), deliver(delivery)])],
  ['says of all that they come again', 'deliver', delivering(() => ({ redelivered: true }))],
  ['hands out more than the credit', 'deliver', crediting((credit) => credit + 1)],
  ['hands out one at a time for ever', 'deliver', crediting(() => 1)],
  ['forgets acknowledgements', 'end', delivering(() => ({ ack: () => {} }))],
  ['takes a release for an end', 'end', delivering(({ ack }) => ({ release: () => ack() }))],
  ['keeps nothing that was refused', 'end', delivering(({ ack }) => ({ refuse: () => ack() }))],
  ['forgets why it was refused', 'end', delivering(({ refuse }) => ({ refuse: () => refuse('') }))],
  ['minds being told twice', 'end', delivering(mindingRepeats)],
  ['counts a late word for who has it now', 'crash', delivering(speakingForOthers())],
  ['keeps what a closed subscription had', 'crash', (broker) => keepingSubscriptions(broker)],
  [
    'turns the order around',
    'order',
    publishing((broker, messages) => broker.publish([...messages].reverse())),
  ],
  ['sees nothing waiting', 'state', () => ({ state: async () => [] })],
  ['is always there', 'state', () => ({ probe: async () => {} })],
  [
    'opens queues that do not fit',
    'reopen',
    (broker) => ({ open: (queues) => broker.open(queues).catch(() => {}) }),
  ],
  ['confirms after its end', 'close', confirmingAfterTheEnd],
  ['gives no verdict when it is closed', 'close', () => ({ publish: () => new Promise(() => {}) })],
  ['is sure of what it does not know', 'faults', publishing(confirmingAll)],
]

function publishing(
  publish: (broker: Broker, messages: readonly OutgoingMessage[]) => Promise<readonly PublishVerdict[]>,
): Break {
  return (broker) => ({ publish: (messages) => publish(broker, messages) })
}

function sending(change: (message: OutgoingMessage) => OutgoingMessage): Break {
  return publishing((broker, messages) => broker.publish(messages.map(change)))
}

async function keepingHalf(
  broker: Broker,
  messages: readonly OutgoingMessage[],
): Promise<readonly PublishVerdict[]> {
  await broker.publish(messages.filter((_, at) => at % 2 === 0))
  return messages.map(() => CONFIRMED)
}

async function confirmingAll(
  broker: Broker,
  messages: readonly OutgoingMessage[],
): Promise<readonly PublishVerdict[]> {
  await broker.publish(messages)
  return messages.map(() => CONFIRMED)
}

function confirmingAfterTheEnd(broker: Broker): Partial<Broker> {
  let isClosed = false
  return {
    publish: async (messages) => (isClosed ? messages.map(() => CONFIRMED) : broker.publish(messages)),
    close() {
      isClosed = true
      return broker.close()
    },
  }
}

function saying(capabilities: Partial<Broker['capabilities']>): Break {
  return (broker) => ({ capabilities: { ...broker.capabilities, ...capabilities } })
}

function crediting(change: (credit: number) => number): Break {
  return (broker) => ({
    subscribe: (request) => broker.subscribe({ ...request, credit: change(request.credit) }),
  })
}

function subscribing(deliver: (deliver: (delivery: Delivery) => void, delivery: Delivery) => unknown): Break {
  return (broker) => ({
    subscribe: (request) =>
      broker.subscribe({ ...request, onDelivery: (delivery) => deliver(request.onDelivery, delivery) }),
  })
}

function delivering(change: (delivery: Delivery) => Partial<Delivery>): Break {
  return subscribing((deliver, delivery) => deliver({ ...wordsOf(delivery), ...change(wordsOf(delivery)) }))
}

/** Its methods by themselves. */
function wordsOf(delivery: Delivery): Delivery {
  const { id, contentType, headers, body, redelivered } = delivery
  return {
    ...{ id, contentType, headers, body, redelivered },
    ack: () => delivery.ack(),
    release: () => delivery.release(),
    refuse: (reason) => delivery.refuse(reason),
  }
}

function asText(body: Uint8Array): Uint8Array {
  return new TextEncoder().encode(new TextDecoder().decode(body))
}

function mindingRepeats(delivery: Delivery): Partial<Delivery> {
  let isEnded = false
  return {
    ack() {
      if (isEnded) throw new Error('it was ended before')
      isEnded = true
      delivery.ack()
    },
  }
}

function speakingForOthers(): (delivery: Delivery) => Partial<Delivery> {
  const latest = new Map<string | null, Delivery>()
  return (delivery) => {
    latest.set(delivery.id, delivery)
    return { ack: () => latest.get(delivery.id)?.ack() }
  }
}

function keepingSubscriptions(broker: Broker): Partial<Broker> {
  return {
    async subscribe(request) {
      await broker.subscribe(request)
      return { close: async () => {} }
    },
  }
}
