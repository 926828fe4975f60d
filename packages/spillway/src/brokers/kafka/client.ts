// The client of a cluster, with its connections in our hands: the client forgets a connection that went silent only when the operating
// system does, and a closed one must not leave anything behind.

import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectSecure } from 'node:tls'
import { Kafka, logLevel, Partitioners, type Producer } from 'kafkajs'
import type { KafkaSettings } from './options.js'
import { inWholeResponses } from './whole-responses.js'

const KEEP_ALIVE_MS = 30_000
/** Retries of the client within one call; what goes on longer is for us to begin anew. */
const RETRIES = 2
const RETRY_MS_MIN = 50
const RETRY_MS_MAX = 500

export class Client {
  readonly kafka: Kafka
  readonly #settings: KafkaSettings
  readonly #sockets = new Set<Socket>()
  #isCut = false

  constructor(settings: KafkaSettings) {
    this.#settings = settings
    const { brokers, credentials, tls, connectTimeoutMs, requestTimeoutMs } = settings
    this.kafka = new Kafka({
      ...{ clientId: 'spillway', brokers: [...brokers], logLevel: logLevel.NOTHING },
      ...{ connectionTimeout: connectTimeoutMs, authenticationTimeout: connectTimeoutMs },
      requestTimeout: requestTimeoutMs,
      retry: { retries: RETRIES, initialRetryTime: RETRY_MS_MIN, maxRetryTime: RETRY_MS_MAX },
      ...(tls === null ? {} : { ssl: tls }),
      ...(credentials === null ? {} : { sasl: { ...credentials } as never }),
      socketFactory: ({ host, port, onConnect }) => this.#connect(host, port, onConnect),
    })
  }

  /** One that sends nothing twice, and nothing to a topic that is not there. */
  producer(): Producer {
    return this.kafka.producer({
      ...{ allowAutoTopicCreation: false, retry: { retries: 0 } },
      createPartitioner: Partitioners.DefaultPartitioner,
    })
  }

  /** Breaks every connection; the client makes new ones when it needs them. */
  drop(why: string): void {
    for (const socket of [...this.#sockets]) socket.destroy(new Error(why))
  }

  /** Breaks every connection, and those that are still to come. */
  cut(): void {
    this.#isCut = true
    this.drop('the client was closed')
  }

  #connect(host: string, port: number, onConnect: () => void): Socket {
    const { tls, reach } = this.#settings
    const address = reach({ host, port })
    const socket =
      tls === null
        ? connectPlain({ ...address }, onConnect)
        : connectSecure({ ...address, ...(isIP(host) === 0 ? { servername: host } : {}), ...tls }, onConnect)
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    // A request is written in one go: held back, its end would wait a round trip for the acknowledgement of its beginning.
    socket.setNoDelay(true)
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    if (this.#isCut) socket.destroy(new Error('the client was closed'))
    return inWholeResponses(socket)
  }
}
