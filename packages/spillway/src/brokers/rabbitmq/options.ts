// What the RabbitMQ driver can be told, checked when it is made.

import type { SocketOptions } from 'amqplib'
import { type BrokerChannelOptions, configError, type Duration, durationMs } from '../../config/index.js'
import { SpillwayError } from '../../errors/index.js'

export interface RabbitMqOptions extends BrokerChannelOptions {
  /** Begins the names of the queues on the server. Default 'spillway.'. */
  readonly prefix?: string
  /** A publish without a confirm is in doubt after this long. Default 10 s. */
  readonly publishTimeout?: Duration
  /** Default 5 s. */
  readonly connectTimeout?: Duration
  /** A connection on which nothing was heard for twice as long is given up. Whole seconds. Default 10 s. */
  readonly heartbeat?: Duration
  /** The longest pause before it connects again. Default 5 s. */
  readonly reconnectDelay?: Duration
  /** Further settings of the connection: `ca`, `cert` and `key` for TLS, `credentials`, `clientProperties`. */
  readonly connection?: Omit<SocketOptions, 'timeout'>
}

/** One server of a cluster. */
export interface Server {
  readonly protocol: 'amqp' | 'amqps'
  readonly hostname: string
  readonly port: number
  readonly vhost: string
  readonly username: string
  readonly password: string
}

export interface RabbitMqSettings {
  /** Tried in turn. */
  readonly servers: readonly Server[]
  readonly connection: Omit<SocketOptions, 'timeout'>
  readonly prefix: string
  readonly publishTimeoutMs: number
  readonly connectTimeoutMs: number
  readonly heartbeatMs: number
  readonly reconnectDelayMsMax: number
}

const PREFIX_LENGTH_MAX = 100
const PREFIX = /^[A-Za-z0-9][A-Za-z0-9._:-]*$/
/** Names the server keeps for itself. */
const RESERVED = /^amq\./
const SECOND_MS = 1_000
const PORTS = { amqp: 5672, amqps: 5671 }

export function settingsOf(url: string | readonly string[], options: RabbitMqOptions): RabbitMqSettings {
  const { prefix = 'spillway.', connection = {} } = options
  if (!isPrefix(prefix))
    throw configError(
      'rabbitmq.prefix',
      `1 to ${PREFIX_LENGTH_MAX} letters, digits, '.', '_', ':' or '-', not beginning with amq.`,
      prefix,
    )
  return {
    ...{ servers: serversOf(url), connection, prefix },
    publishTimeoutMs: atLeast(1, options.publishTimeout ?? '10s', 'publishTimeout'),
    connectTimeoutMs: atLeast(1, options.connectTimeout ?? '5s', 'connectTimeout'),
    heartbeatMs: atLeast(SECOND_MS, options.heartbeat ?? '10s', 'heartbeat'),
    reconnectDelayMsMax: atLeast(1, options.reconnectDelay ?? '5s', 'reconnectDelay'),
  }
}

function isPrefix(prefix: unknown): prefix is string {
  return (
    typeof prefix === 'string' &&
    prefix.length <= PREFIX_LENGTH_MAX &&
    PREFIX.test(prefix) &&
    !RESERVED.test(prefix)
  )
}

function atLeast(ms: number, value: Duration, name: string): number {
  const path = `rabbitmq.${name}`
  const given = durationMs(value, path)
  if (given < ms) throw configError(path, `at least ${ms} ms`, value)
  return given
}

/** One url, several in a list, or several separated by commas: servers of one cluster. */
function serversOf(url: string | readonly string[]): readonly Server[] {
  const texts = typeof url === 'string' ? url.split(',') : [...(url ?? [])]
  return texts.length === 0 ? refused() : texts.map((text) => serverOf(text))
}

function serverOf(text: unknown): Server {
  const trimmed = typeof text === 'string' ? text.trim() : ''
  if (!/^amqps?:\/\//.test(trimmed) || !URL.canParse(trimmed)) return refused()
  const { protocol, hostname, port, pathname, username, password, hash } = new URL(trimmed)
  // A password with a slash or a hash in it would be taken for the rest of the url.
  if (hostname === '' || hash !== '' || pathname.includes('@')) return refused()
  const scheme = protocol === 'amqps:' ? 'amqps' : 'amqp'
  const isAnonymous = username === '' && password === ''
  return {
    protocol: scheme,
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? PORTS[scheme] : Number(port),
    vhost: pathname.slice(1),
    username: isAnonymous ? 'guest' : decoded(username),
    password: isAnonymous ? 'guest' : decoded(password),
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return refused()
  }
}

/** Never shows what was given: a url carries a password. */
function refused(): never {
  throw new SpillwayError(
    'invalid_config',
    'rabbitmq(): expected urls of the form amqp://user:password@host:5672/vhost, amqps:// for TLS, special characters as %xx.',
  )
}
