// What the Redis driver can be told, checked when it is made.

import { isIP } from 'node:net'
import type { RedisOptions } from 'ioredis'
import { type BrokerChannelOptions, configError, type Duration } from '../../config/index.js'
import { SpillwayError } from '../../errors/index.js'
import { positiveMs } from '../driver/index.js'

export interface RedisBrokerOptions extends BrokerChannelOptions {
  /** Begins the names of the streams. Default 'spillway'. */
  readonly prefix?: string
  /** A publish without an answer is in doubt after this long. Default 10 s. */
  readonly publishTimeout?: Duration
  /** How long a message stays with a consumer that says nothing. Default 30 s. */
  readonly ackWait?: Duration
  /** Default 5 s. */
  readonly connectTimeout?: Duration
  /** The longest pause before it connects again. Default 5 s. */
  readonly reconnectDelay?: Duration
  /** A message is confirmed once so many replicas have it. Default 0. */
  readonly replicas?: number
  /**
   * A message is confirmed once the server's disk has it, whatever `appendfsync` says. Needs Redis 7.2; with `appendfsync everysec` a
   * confirmation takes up to a second.
   */
  readonly synced?: boolean
  /** Refuse to open on a server that would lose what it confirmed. Default false: it is said through telemetry. */
  readonly strict?: boolean
  /** Further settings of the connections: `tls`, `sentinels` and so on. */
  readonly connection?: Omit<
    RedisOptions,
    'lazyConnect' | 'retryStrategy' | 'enableOfflineQueue' | 'keyPrefix'
  >
}

export interface RedisSettings {
  readonly url: string
  readonly connection: Omit<RedisOptions, 'replyMapping'>
  readonly prefix: string
  readonly publishTimeoutMs: number
  readonly ackWaitMs: number
  readonly connectTimeoutMs: number
  readonly reconnectDelayMsMax: number
  readonly replicas: number
  readonly isSynced: boolean
  readonly isStrict: boolean
}

/** Braces would be taken for the part of a key that says which server of a cluster has it. */
const PREFIX = /^[A-Za-z0-9._:-]{1,100}$/
const REPLICAS_MAX = 100

export function settingsOf(url: string, options: RedisBrokerOptions): RedisSettings {
  const { prefix = 'spillway', replicas = 0, synced = false, strict = false } = options
  if (typeof prefix !== 'string' || !PREFIX.test(prefix))
    throw configError('redis.prefix', "letters, digits, '.', '_', ':' and '-'", prefix)
  if (!Number.isSafeInteger(replicas) || replicas < 0 || replicas > REPLICAS_MAX)
    throw configError('redis.replicas', `a whole number from 0 to ${REPLICAS_MAX}`, replicas)
  return {
    url: checked(url),
    connection: { ...options.connection, ...serverName(url, options.connection) },
    ...{ prefix, replicas, isSynced: synced, isStrict: strict },
    publishTimeoutMs: positiveMs(options.publishTimeout ?? '10s', 'redis.publishTimeout'),
    ackWaitMs: positiveMs(options.ackWait ?? '30s', 'redis.ackWait'),
    connectTimeoutMs: positiveMs(options.connectTimeout ?? '5s', 'redis.connectTimeout'),
    reconnectDelayMsMax: positiveMs(options.reconnectDelay ?? '5s', 'redis.reconnectDelay'),
  }
}

/** Servers behind one address are told apart by the name they are asked for over TLS. The client leaves it out. */
function serverName(url: string, given: RedisBrokerOptions['connection'] = {}): Pick<RedisOptions, 'tls'> {
  const { protocol, hostname } = new URL(url)
  const { tls, host = hostname, sentinels } = given
  const isSecure = protocol === 'rediss:' || tls !== undefined
  // Addresses are not names, and sentinels know others than the url.
  if (!isSecure || sentinels !== undefined || host === '' || isIP(host.replace(/^\[|\]$/g, '')) !== 0)
    return {}
  return { tls: { servername: host, ...tls } }
}

/** Never shows what was given: a url carries a password. */
function checked(url: unknown): string {
  if (typeof url === 'string' && /^rediss?:\/\//.test(url) && URL.canParse(url)) return url
  throw new SpillwayError(
    'invalid_config',
    'redis(): expected a url of the form redis://user:password@host:6379/0, rediss:// for TLS, special characters as %xx.',
  )
}
