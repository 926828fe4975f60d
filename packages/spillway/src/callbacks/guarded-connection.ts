// One connection to a receiver, for one delivery at a time: undici's HTTP/1.1 client over the guard's connector, without anything that
// could get around the guard or go on for ever: no redirects, no proxies, no HTTP/2.

import { Client } from 'undici'
import { GuardedConnector, type GuardedConnectorOptions } from './guarded-connector.js'
import {
  EXCHANGE_MS_MAX,
  IDLE_CONNECTION_MS,
  IDLE_CONNECTION_MS_MAX,
  RESPONSE_HEADER_BYTES_MAX,
} from './limits.js'

export class GuardedConnection {
  readonly origin: string
  /** By the clock's monotonic time. */
  readonly openedAt: number
  readonly client: Client
  readonly #connector: GuardedConnector

  constructor(origin: string, options: GuardedConnectorOptions) {
    this.origin = origin
    this.openedAt = options.clock.monotonic()
    this.#connector = new GuardedConnector(options)
    this.client = new Client(origin, {
      connect: this.#connector.connect,
      allowH2: false,
      pipelining: 1,
      maxHeaderSize: RESPONSE_HEADER_BYTES_MAX,
      headersTimeout: EXCHANGE_MS_MAX,
      bodyTimeout: EXCHANGE_MS_MAX,
      keepAliveTimeout: IDLE_CONNECTION_MS,
      keepAliveMaxTimeout: IDLE_CONNECTION_MS_MAX,
    })
  }

  /** Whether it can carry another exchange without connecting again. */
  get isOpen(): boolean {
    return this.client.stats.connected
  }

  /** At once, in whatever phase it is; what runs on it becomes `aborted`. */
  async destroy(): Promise<void> {
    this.#connector.close()
    await this.client.destroy()
  }
}
