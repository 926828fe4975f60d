// Callback senders on virtual time that may call receivers on this machine, and the closing of both.

import {
  type CallbackSender,
  type CallbackSenderOptions,
  createCallbackSender,
  type DeliveryResult,
} from '../../src/callbacks/index.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'
import { Endpoint } from './endpoint.js'

export const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
export const TIMEOUT_MS = 15_000
export const ID = '0197a2-0'
export const BODY = '{"type":"command.succeeded","data":{"name":"Zoë"}}'

export class SenderRig {
  /** The official library, which verifies signatures in tests, judges by the machine's clock. */
  readonly clock = new VirtualClock({ startAt: Date.now() })
  readonly #opened: { close(): Promise<void> }[] = []

  async open(endpoint: Promise<Endpoint>): Promise<Endpoint> {
    this.#opened.push(await endpoint)
    return endpoint
  }

  /** A receiver that writes `answer` once a request has begun to arrive, and nothing more by itself. */
  rude(answer: string): Promise<Endpoint> {
    return this.open(Endpoint.raw((socket) => socket.once('data', () => socket.write(answer))))
  }

  /** Of plain http, to the endpoint's port on this machine. */
  senderTo(endpoint: Endpoint, options: Partial<CallbackSenderOptions> = {}): CallbackSender {
    const sender = createCallbackSender({
      secrets: [SECRET],
      timeoutMs: TIMEOUT_MS,
      clock: this.clock,
      allowHttp: true,
      allowPorts: [endpoint.port],
      allowAddresses: ['127.0.0.0/8'],
      ...options,
    })
    this.#opened.push(sender)
    return sender
  }

  /** By a sender of its own. */
  send(endpoint: Endpoint, url = endpoint.url): Promise<DeliveryResult> {
    return this.senderTo(endpoint).send({ url, id: ID, body: BODY })
  }

  async close(): Promise<void> {
    for (const each of this.#opened.splice(0).reverse()) await each.close()
  }
}
