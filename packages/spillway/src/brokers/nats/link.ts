// The connection to a server of NATS, as the driver's link makes it. A connection that is cut off silently is noticed by its pings.

import { type JetStreamClient, type JetStreamManager, jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { inTime, Link, type Machine } from '../driver/index.js'
import { closed, unavailable } from './failures.js'
import type { NatsSettings } from './options.js'

/** One connection, from when it is ready until it is lost. */
export interface Line {
  readonly connection: NatsConnection
  readonly client: JetStreamClient
  readonly manager: JetStreamManager
}

export type NatsLink = Link<Line>

export interface LinkParts {
  readonly settings: NatsSettings
  readonly machine: Machine
  /** Makes sure of everything on the server before the connection is used. */
  readonly prepare: (line: Line) => Promise<void>
}

/** A connection that is lost sooner counts as one more that failed. */
const STABLE_MS = 10_000
const STEADY_SHARE = 0.5
/** A connection that is cut off silently is noticed after two of these. */
const PING_EVERY_MS = 5_000
const PINGS_OUT_MAX = 2
const CLOSE_MS_MAX = 1_000

export function linkWith(parts: LinkParts): NatsLink {
  const { settings, machine } = parts
  return new Link<Line>({
    ...{ broker: 'nats', machine, failures: { closed, unavailable } },
    pauses: { delayMsMax: settings.reconnectDelayMsMax, steadyShare: STEADY_SHARE, stableMs: STABLE_MS },
    connect: (lost) => lineTo(parts, lost),
    cut: ({ connection }) => cut(connection),
    leave: async ({ connection }) => void (await inTime(machine, CLOSE_MS_MAX, connection.close())),
  })
}

async function lineTo({ settings, prepare }: LinkParts, lost: (why: unknown) => void): Promise<Line> {
  const { connectTimeoutMs: timeout } = settings
  const connection = await connect({
    ...{ name: 'spillway', noAsyncTraces: true, pingInterval: PING_EVERY_MS, maxPingOut: PINGS_OUT_MAX },
    ...settings.connection,
    ...{ reconnect: false, timeout },
  }).catch((error: unknown) => {
    throw unavailable('the server cannot be reached', error)
  })
  try {
    const manager = await jetstreamManager(connection, { checkAPI: false, timeout })
    const line: Line = { connection, manager, client: manager.jetstream() }
    await prepare(line)
    void connection.closed().then((error) => lost(error ?? 'the server closed the connection'))
    return line
  } catch (error) {
    cut(connection)
    throw error
  }
}

function cut(connection: NatsConnection): void {
  void connection.close().catch(() => {})
}
