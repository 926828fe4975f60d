// What arrives at the broker besides what intakes send: single messages of other services, some of them twice as at-least-once producers
// have it; and chunks that are published again, at once or when everybody has long forgotten them.

import { commandId, ENVELOPE_CONTENT_TYPE, encodeBody, encodeEnvelope } from '../../src/domain/index.js'
import type { Broker, Random } from '../../src/ports/index.js'
import { createChunkIds, systemClock, systemRandom } from '../../src/runtime/index.js'
import type { Application } from '../faults/processes/application.js'
import type { ForeignMessage } from './foreign-producers.js'

const FOREIGN_AT_ONCE = 9
const CHUNK_COMMANDS = 5
const PUBLISH_PAUSE_MS = 50
const newChunkId = createChunkIds(systemClock, systemRandom)

export class ForeignService {
  /** Of every command it asked for. */
  readonly ids: string[] = []
  readonly #application: Application
  readonly #produce: (messages: readonly ForeignMessage[]) => Promise<void>

  constructor(application: Application, produce: (messages: readonly ForeignMessage[]) => Promise<void>) {
    this.#application = application
    this.#produce = produce
  }

  async send(): Promise<void> {
    const messages = Array.from({ length: FOREIGN_AT_ONCE }, () => this.#next())
    await this.#produce([...messages, ...messages.filter((_, n) => n % 2 === 0)])
  }

  #next(): ForeignMessage {
    const form = FORMS[this.ids.length % FORMS.length] as (typeof FORMS)[number]
    const id = `foreign-${this.ids.length}`
    this.ids.push(id)
    this.#application.noteAsked(form.type, { id }, id)(null)
    return form.message(id)
  }
}

interface Form {
  readonly type: 'order' | 'click'
  message(id: string): ForeignMessage
}

const FORMS: readonly Form[] = [
  {
    type: 'click',
    message: (id) => ({
      ...{ queue: 'clicks', contentType: 'application/cloudevents+json', attributes: {} },
      body: JSON.stringify({ ...eventAttributes(id), data: { id } }),
    }),
  },
  {
    type: 'click',
    message: (id) => ({
      ...{ queue: 'clicks', contentType: 'application/json', attributes: eventAttributes(id) },
      body: JSON.stringify({ id }),
    }),
  },
  {
    // Its type has a key of its own.
    type: 'order',
    message: (id) => ({
      ...{ queue: 'orders', contentType: 'application/json', attributes: {} },
      body: JSON.stringify({ id }),
    }),
  },
]

function eventAttributes(id: string) {
  return { specversion: '1.0', type: 'click', source: '/elsewhere', id }
}

interface Sent {
  readonly id: string
  readonly body: Uint8Array
}

export class RepeatedChunks {
  readonly #application: Application
  readonly #broker: Broker
  readonly #random: Random
  readonly #sent: Sent[] = []

  constructor(application: Application, broker: Broker, random: Random) {
    this.#application = application
    this.#broker = broker
    this.#random = random
  }

  /** One is new and comes twice, an earlier one comes once more. */
  async send(): Promise<void> {
    const chunk = newChunk(this.#sent.length)
    const earlier = this.#sent[Math.floor(this.#random() * this.#sent.length)]
    this.#sent.push(chunk)
    const answers = chunk.payloads.map((payload) => this.#application.noteAsked('click', payload, null))
    await this.#publish(chunk, chunk.id)
    for (const [index, answered] of answers.entries()) answered(commandId(chunk.id, index))
    // Some brokers know a message that comes again by its id, and would not take it.
    await this.#publish(chunk, `${chunk.id}-again`)
    if (earlier !== undefined) await this.#publish(earlier, `${earlier.id}-${this.#sent.length}`)
  }

  async #publish({ body }: Sent, id: string): Promise<void> {
    const message = { id, queue: 'clicks', partition: null, contentType: ENVELOPE_CONTENT_TYPE, body }
    for (;;) {
      const [verdict] = await this.#broker.publish([message])
      if (verdict?.status === 'confirmed') return
      await systemClock.sleep(PUBLISH_PAUSE_MS)
    }
  }
}

function newChunk(number: number): Sent & { readonly payloads: readonly { readonly id: string }[] } {
  const id = newChunkId()
  const payloads = Array.from({ length: CHUNK_COMMANDS }, (_, n) => ({ id: `repeated-${number}-${n}` }))
  const envelope = encodeEnvelope({
    ...{ id, queue: 'clicks', type: 'click', priority: 0, partition: null, codec: 'json' },
    ...{ body: encodeBody(payloads.map((payload) => JSON.stringify(payload))), size: payloads.length },
    ...{ keys: null, parked: null },
  })
  return { id, payloads, body: Buffer.from(envelope) }
}
