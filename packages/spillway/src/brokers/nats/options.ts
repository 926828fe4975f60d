// What the NATS driver can be told, checked when it is made.

import type { NodeConnectionOptions } from '@nats-io/transport-node'
import { type BrokerChannelOptions, configError, type Duration } from '../../config/index.js'
import { SpillwayError } from '../../errors/index.js'
import { positiveMs } from '../driver/index.js'
import { isPlainToken } from './names.js'
import { identityCheck } from './server-identity.js'

export interface NatsOptions extends BrokerChannelOptions {
  /** Begins the names of the streams, and the subjects. Default 'spillway'. */
  readonly prefix?: string
  /** Copies of each message in a cluster, for streams that are made now. Default 1. */
  readonly replicas?: number
  /** A publish without an answer is in doubt after this long. Default 10 s. */
  readonly publishTimeout?: Duration
  /** How long a message stays with a consumer that says nothing. Default 30 s. */
  readonly ackWait?: Duration
  /** How long the server knows a message that is sent again, for streams that are made now. Default 2 min. */
  readonly duplicateWindow?: Duration
  /** Default 5 s. */
  readonly connectTimeout?: Duration
  /** The longest pause before it connects again. Default 5 s. */
  readonly reconnectDelay?: Duration
  /** Further settings of the connection: `tls`, `authenticator` and so on. */
  readonly connection?: Omit<NodeConnectionOptions, 'servers' | 'port' | 'reconnect' | 'waitOnFirstConnect'>
}

export interface NatsSettings {
  readonly connection: NodeConnectionOptions
  readonly prefix: string
  readonly replicas: number
  readonly publishTimeoutMs: number
  readonly ackWaitMs: number
  readonly duplicateWindowMs: number
  readonly connectTimeoutMs: number
  readonly reconnectDelayMsMax: number
}

const REPLICAS_MAX = 5
const PREFIX_LENGTH_MAX = 100

export function settingsOf(url: string | readonly string[], options: NatsOptions): NatsSettings {
  const { prefix = 'spillway', replicas = 1 } = options
  if (typeof prefix !== 'string' || !isPlainToken(prefix) || prefix.length > PREFIX_LENGTH_MAX)
    throw configError('nats.prefix', "letters, digits, '_' and '-'", prefix)
  if (!Number.isSafeInteger(replicas) || replicas < 1 || replicas > REPLICAS_MAX)
    throw configError('nats.replicas', `a whole number from 1 to ${REPLICAS_MAX}`, replicas)
  return {
    connection: { ...options.connection, ...serversOf(url, options.connection) },
    ...{ prefix, replicas },
    publishTimeoutMs: positiveMs(options.publishTimeout ?? '10s', 'nats.publishTimeout'),
    ackWaitMs: positiveMs(options.ackWait ?? '30s', 'nats.ackWait'),
    duplicateWindowMs: positiveMs(options.duplicateWindow ?? '2m', 'nats.duplicateWindow'),
    connectTimeoutMs: positiveMs(options.connectTimeout ?? '5s', 'nats.connectTimeout'),
    reconnectDelayMsMax: positiveMs(options.reconnectDelay ?? '5s', 'nats.reconnectDelay'),
  }
}

type Servers = Pick<NodeConnectionOptions, 'servers' | 'user' | 'pass' | 'token' | 'tls'>

/** One url, several in a list, or several separated by commas: servers of one cluster, with the same credentials. */
function serversOf(first: string | readonly string[], given: NatsOptions['connection']): Servers {
  const texts = (typeof first === 'string' ? first.split(',') : [...(first ?? [])]).map((text) => text.trim())
  const urls = texts.map(readUrl)
  const [{ username, password } = refused()] = urls
  const isSecure = urls.some(({ protocol }) => protocol === 'tls:') || Boolean(given?.tls)
  // Whoever names a name means it.
  const identity = given?.tls && 'servername' in given.tls ? {} : identityCheck(urls.map(hostOf))
  return {
    servers: urls.map(({ host }) => host),
    ...(isSecure ? { tls: { ...identity, ...given?.tls } } : {}),
    ...credentials(decodeURIComponent(username), decodeURIComponent(password)),
  }
}

function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '')
}

/** As other clients of NATS read a url: a name alone is a token. */
function credentials(user: string, pass: string): Pick<Servers, 'user' | 'pass' | 'token'> {
  if (user === '') return {}
  return pass === '' ? { token: user } : { user, pass }
}

function readUrl(text: unknown): URL {
  if (typeof text !== 'string' || !/^(nats|tls):\/\//.test(text) || !URL.canParse(text)) return refused()
  const url = new URL(text)
  return url.hostname === '' ? refused() : url
}

/** Never shows what was given: a url carries a password. */
function refused(): never {
  throw new SpillwayError(
    'invalid_config',
    'nats(): expected urls of the form nats://user:password@host:4222, tls:// for TLS, special characters as %xx.',
  )
}
