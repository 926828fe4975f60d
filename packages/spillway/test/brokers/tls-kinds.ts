// The four brokers as their users meet them over TLS: each on a server that takes encrypted connections, shows the certificate that a
// test gives it, and wants to be shown the one that it began with.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Certificate,
  type PrivateServer,
  type ServerKind,
  sharedRabbitMq,
  startKafka,
  startNats,
  startRedis,
} from 'spillway-test-bed'
import { kafka } from '../../src/brokers/kafka/index.js'
import { nats } from '../../src/brokers/nats/index.js'
import { rabbitmq } from '../../src/brokers/rabbitmq/index.js'
import { redis } from '../../src/brokers/redis/index.js'
import type { BrokerSpec } from '../../src/config/index.js'
import { startTlsProxy, type TlsProxy } from '../support/tls-proxy.js'

/** Given where no connection comes to the point of asking for it. */
export const PASSWORD = 'not-to-be-shown'

export interface TlsChoice {
  /** The authority that is named to the driver; null = none is. */
  readonly ca: string | null
  /** Shows no certificate of its own. */
  readonly isAnonymous?: boolean
}

export interface TlsServer {
  /** A channel on it, with names of its own. Connects again at once, and waits for very long where it waits. */
  channel(choice: TlsChoice): BrokerSpec
  /** Another certificate from now on; connections are lost. */
  present(certificate: Certificate): Promise<void>
  /** What clients have asked for by name, where that can be seen. */
  readonly names: readonly (string | false)[] | null
  stop(): Promise<void>
}

export interface TlsKind {
  readonly name: string
  readonly needs: ServerKind
  /** The option of the driver that names an authority. */
  readonly option: string
  start(certificate: Certificate): Promise<TlsServer>
}

const HOST = 'localhost'
const PATIENT = { connectTimeout: '30s', publishTimeout: '20s', reconnectDelay: 50 } as const

export const TLS_KINDS: readonly TlsKind[] = [
  {
    ...{ name: 'RabbitMQ', needs: 'rabbitmq', option: 'connection: { ca }' },
    async start(certificate) {
      const url = await sharedRabbitMq()
      const { username, password, port } = new URL(url)
      const proxy = await startTlsProxy(certificate, { port: Number(port) })
      const prefix = `tls-${proxy.port}.`
      return proxied(proxy, (choice) => {
        const login = `${username}:${choice.ca === null ? PASSWORD : password}`
        const connection = tlsOf(certificate, choice)
        return rabbitmq(`amqps://${login}@${HOST}:${proxy.port}`, { ...PATIENT, prefix, connection })
      })
    },
  },
  {
    ...{ name: 'NATS', needs: 'nats', option: 'connection: { tls: { ca } }' },
    async start(certificate) {
      const server = await startNats({ certificate })
      return {
        channel(choice) {
          const connection = { tls: tlsOf(certificate, choice) }
          return nats(`tls://user:${PASSWORD}@${HOST}:${server.port}`, { ...PATIENT, connection })
        },
        async present({ cert, key }) {
          writeFileSync(join(server.folder, 'server.pem'), cert)
          writeFileSync(join(server.folder, 'server.key'), key)
          await server.restart()
        },
        names: null,
        stop: () => server.stop(),
      }
    },
  },
  {
    ...{ name: 'Redis', needs: 'redis', option: 'connection: { tls: { ca } }' },
    async start(certificate) {
      const server = await startRedis()
      const proxy = await startTlsProxy(certificate, server)
      const channel = (choice: TlsChoice): BrokerSpec => {
        const login = choice.ca === null ? `default:${PASSWORD}@` : ''
        const connection = { tls: tlsOf(certificate, choice) }
        return redis(`rediss://${login}${HOST}:${proxy.port}`, { ...PATIENT, connection })
      }
      return proxied(proxy, channel, server)
    },
  },
  {
    ...{ name: 'Kafka', needs: 'kafka', option: 'tls: { ca }' },
    async start(certificate) {
      const server = await startKafka()
      const proxy = await startTlsProxy(certificate, server)
      const channel = (choice: TlsChoice): BrokerSpec => {
        const login = choice.ca === null ? `user:${PASSWORD}@` : ''
        return kafka(`kafkas://${login}${HOST}:${proxy.port}`, {
          ...{ ...PATIENT, requestTimeout: '30s', fetchWait: 20, partitions: 1 },
          // It says of itself that it is at the port where it is in the clear.
          reach: () => ({ host: HOST, port: proxy.port }),
          tls: tlsOf(certificate, choice),
        })
      }
      return proxied(proxy, channel, server)
    },
  },
]

function tlsOf(
  own: Certificate,
  { ca, isAnonymous = false }: TlsChoice,
): Partial<Certificate & { ca: string }> {
  return { ...(isAnonymous ? {} : own), ...(ca === null ? {} : { ca }) }
}

function proxied(proxy: TlsProxy, channel: TlsServer['channel'], server?: PrivateServer): TlsServer {
  return {
    channel,
    names: proxy.names,
    present: async (certificate) => proxy.present(certificate),
    async stop() {
      await proxy.close()
      await server?.stop()
    },
  }
}
