// Upstream as a test sees it: takes callbacks on this machine, verifies each with the official library, and answers as it is told.

import { Webhook } from 'standardwebhooks'
import { vi } from 'vitest'
import type { CallbackOptions } from '../../src/index.js'
import { Endpoint, received } from './endpoint.js'

export const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`

export interface TakenCallback {
  readonly id: string
  readonly path: string
  /** As the official library gives it out: the signature was right. */
  readonly event: {
    readonly type: string
    readonly timestamp: string
    readonly data: Record<string, unknown>
  }
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

export interface Answer {
  readonly status: number
  /** Not before this. */
  readonly after?: Promise<void>
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
}

export class Receiver {
  readonly taken: TakenCallback[] = []
  /** Answers to come, in order; then 200. */
  readonly answers: Answer[] = []
  readonly #endpoint: Endpoint
  #taken: (() => void)[] = []

  private constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint
  }

  static async open(): Promise<Receiver> {
    const endpoint = await Endpoint.http(async (request, response) => {
      const { path, headers, body } = await received(request)
      receiver.taken.push({
        id: headers['webhook-id'] ?? '',
        path,
        event: verified(headers, body),
        body,
        headers,
      })
      const {
        status,
        body: text = '',
        headers: extra = {},
        after,
      } = receiver.answers.shift() ?? { status: 200 }
      for (const tell of receiver.#taken.splice(0)) tell()
      await after
      response.writeHead(status, extra).end(text)
    })
    const receiver = new Receiver(endpoint)
    return receiver
  }

  get url(): string {
    return this.#endpoint.url
  }

  /** A configuration that may call this receiver, which no other may. */
  callbacks(options: Partial<CallbackOptions> = {}): CallbackOptions {
    return {
      ...{ secrets: [SECRET], schedule: ['5s', '5m'], allowHttp: true },
      ...{ allowPorts: [this.#endpoint.port], allowAddresses: ['127.0.0.0/8'] },
      ...options,
    }
  }

  /** Resolves when so many callbacks have arrived. */
  async reached(count: number): Promise<void> {
    while (this.taken.length < count) await new Promise<void>((resolve) => this.#taken.push(resolve))
  }

  close(): Promise<void> {
    return this.#endpoint.close()
  }
}

/** The library judges the time of the signature by the machine's clock. */
function verified(headers: Readonly<Record<string, string>>, body: string): TakenCallback['event'] {
  vi.useFakeTimers({ toFake: ['Date'], now: Number(headers['webhook-timestamp']) * 1_000 })
  try {
    return new Webhook(SECRET).verify(body, headers as Record<string, string>) as TakenCallback['event']
  } finally {
    vi.useRealTimers()
  }
}
