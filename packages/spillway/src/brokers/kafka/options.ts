// What the Kafka driver can be told, checked when it is made.

import type { ConnectionOptions } from 'node:tls'
import {
  type BrokerChannelOptions,
  configError,
  type Duration,
  type Size,
  sizeBytes,
} from '../../config/index.js'
import { SpillwayError } from '../../errors/index.js'
import { positiveMs } from '../driver/index.js'

export interface KafkaCredentials {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
  readonly username: string
  readonly password: string
}

export interface KafkaOptions extends BrokerChannelOptions {
  /** Begins the names of topics and consumer groups. Default 'spillway.'. */
  readonly prefix?: string
  /** Partitions of topics that are made now: as many consumers share a queue at most. Default 8. */
  readonly partitions?: number
  /** Copies of each message, for topics that are made now. Default: the cluster's. */
  readonly replicas?: number
  /** Bytes of the largest message, for topics that are made now. Default 16 MiB. */
  readonly messageBytes?: Size
  /** Delete from the topics what everybody has settled. Default true; false when other consumer groups read them. */
  readonly trim?: boolean
  /** A publish without an answer is in doubt after this long. Default 10 s. */
  readonly publishTimeout?: Duration
  /** How long every other request may take. Default 10 s. */
  readonly requestTimeout?: Duration
  /** Default 5 s. */
  readonly connectTimeout?: Duration
  /** A consumer that is not heard of for this long loses its partitions to others. Default 15 s. */
  readonly session?: Duration
  /** How long a request for messages waits at the cluster for some to come; closing waits for it. Default 250 ms. */
  readonly fetchWait?: Duration
  /** The longest pause before it connects again. Default 5 s. */
  readonly reconnectDelay?: Duration
  /** Instead of those in the url; its default mechanism is 'plain'. */
  readonly credentials?: KafkaCredentials
  /** Settings of the TLS connection. */
  readonly tls?: ConnectionOptions
  /** Where a broker is to be reached that says it is at this address: for brokers behind a tunnel or a forwarded port. */
  readonly reach?: (address: Address) => Address
}

export interface Address {
  readonly host: string
  readonly port: number
}

export interface KafkaSettings {
  readonly brokers: readonly string[]
  readonly credentials: KafkaCredentials | null
  readonly tls: ConnectionOptions | null
  readonly reach: (address: Address) => Address
  readonly prefix: string
  readonly partitions: number
  readonly replicas: number | null
  readonly topicMessageBytes: number
  readonly trims: boolean
  readonly publishTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly connectTimeoutMs: number
  readonly sessionMs: number
  readonly fetchWaitMs: number
  readonly reconnectDelayMsMax: number
}

const PARTITIONS_MAX = 1_000
const REPLICAS_MAX = 100
/** Kafka takes requests of 100 MiB unless it is told otherwise. */
const MESSAGE_BYTES_MAX = 64 * 1024 * 1024
const PREFIX = /^[A-Za-z0-9][A-Za-z0-9.-]{0,39}$/
const MECHANISMS: readonly string[] = ['plain', 'scram-sha-256', 'scram-sha-512']

export function settingsOf(url: string, options: KafkaOptions): KafkaSettings {
  const {
    prefix = 'spillway.',
    replicas = null,
    trim = true,
    reach = (address: Address) => address,
  } = options
  if (typeof prefix !== 'string' || !PREFIX.test(prefix))
    throw configError('kafka.prefix', "1 to 40 letters, digits, '.' and '-'", prefix)
  if (typeof trim !== 'boolean') throw configError('kafka.trim', 'true or false', trim)
  if (typeof reach !== 'function') throw configError('kafka.reach', 'a function', reach)
  const { brokers, isSecure, credentials } = readUrl(url)
  return {
    ...{ brokers, prefix, reach, trims: trim },
    credentials: options.credentials === undefined ? credentials : checked(options.credentials),
    tls: isSecure || options.tls !== undefined ? { ...options.tls } : null,
    partitions: whole(options.partitions ?? 8, PARTITIONS_MAX, 'partitions'),
    replicas: replicas === null ? null : whole(replicas, REPLICAS_MAX, 'replicas'),
    topicMessageBytes: messageBytes(options.messageBytes ?? '16mb'),
    publishTimeoutMs: positiveMs(options.publishTimeout ?? '10s', 'kafka.publishTimeout'),
    requestTimeoutMs: positiveMs(options.requestTimeout ?? '10s', 'kafka.requestTimeout'),
    connectTimeoutMs: positiveMs(options.connectTimeout ?? '5s', 'kafka.connectTimeout'),
    sessionMs: positiveMs(options.session ?? '15s', 'kafka.session'),
    fetchWaitMs: positiveMs(options.fetchWait ?? 250, 'kafka.fetchWait'),
    reconnectDelayMsMax: positiveMs(options.reconnectDelay ?? '5s', 'kafka.reconnectDelay'),
  }
}

function checked(credentials: KafkaCredentials): KafkaCredentials {
  const { mechanism, username, password } = credentials
  if (!MECHANISMS.includes(mechanism))
    throw configError('kafka.credentials.mechanism', `one of ${MECHANISMS.join(', ')}`, mechanism)
  if (typeof username !== 'string' || username === '' || typeof password !== 'string')
    throw new SpillwayError('invalid_config', 'kafka.credentials: expected a username and a password.')
  return { mechanism, username, password }
}

function whole(value: number, max: number, name: string): number {
  if (!Number.isSafeInteger(value) || value < 1 || value > max)
    throw configError(`kafka.${name}`, `a whole number from 1 to ${max}`, value)
  return value
}

function messageBytes(value: Size): number {
  const bytes = sizeBytes(value, 'kafka.messageBytes')
  if (bytes < MESSAGE_BYTES_MIN || bytes > MESSAGE_BYTES_MAX)
    throw configError('kafka.messageBytes', '64kb to 64mb', value)
  return bytes
}

const MESSAGE_BYTES_MIN = 64 * 1024

const URL_FORM = /^kafka(s?):\/\/(?:([^@/]*)@)?([^@/?#]+)\/?$/
const BROKER_FORM = /^(?:\[[0-9a-fA-F:.]+\]|[^\s:[\]]+)(?::\d{1,5})?$/
const PORT = 9_092

function readUrl(url: string): {
  readonly brokers: readonly string[]
  readonly isSecure: boolean
  readonly credentials: KafkaCredentials | null
} {
  const [, secure, login, hosts = ''] = (typeof url === 'string' ? URL_FORM.exec(url) : null) ?? refused()
  const brokers = hosts.split(',').map((host) => host.trim())
  if (!brokers.every((broker) => BROKER_FORM.test(broker))) return refused()
  return {
    brokers: brokers.map((broker) => (/:\d+$/.test(broker) ? broker : `${broker}:${PORT}`)),
    isSecure: secure === 's',
    credentials: login === undefined ? null : loginOf(login),
  }
}

function loginOf(login: string): KafkaCredentials {
  const colon = login.indexOf(':')
  if (colon < 1) return refused()
  try {
    const [username, password] = [login.slice(0, colon), login.slice(colon + 1)].map(decodeURIComponent)
    return { mechanism: 'plain', username: username as string, password: password as string }
  } catch {
    return refused()
  }
}

/** Never shows what was given: a url carries a password. */
function refused(): never {
  throw new SpillwayError(
    'invalid_config',
    'kafka(): expected a url of the form kafka://user:password@host:9092,host:9092, kafkas:// for TLS, special characters as %xx.',
  )
}
