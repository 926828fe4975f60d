// The connection to a server of Redis, as the driver's link makes it. The client neither reconnects nor sends again what was not answered: a
// message is sent twice only by whoever knows that it may be.

import { Redis, type RedisOptions } from 'ioredis'
import { inTime, Link, type Machine } from '../driver/index.js'
import { closed, replyCode, unavailable } from './failures.js'
import type { RedisSettings } from './options.js'
import { SCRIPTS, type ScriptedRedis } from './scripts.js'

/** One connection, from when it is ready until it is lost. */
export interface Line {
  readonly client: ScriptedRedis
  /** Asks the server; when it does not answer in time, or cannot do what it has to, the connection is given up. */
  ask<Answer>(question: (client: ScriptedRedis) => Promise<Answer>, withinMs?: number): Promise<Answer>
  /** One more connection, for a call that blocks; when it is lost all is lost. Ended with leave(). */
  another(): Promise<Redis>
}

/** Ends a connection on purpose. */
export function leave(client: Redis): void {
  client.removeAllListeners('end')
  client.disconnect()
}

export type RedisLink = Link<Line>

export interface LinkParts {
  readonly settings: RedisSettings
  readonly machine: Machine
  /** Makes sure of everything on the server before the connection is used. */
  readonly prepare: (line: Line) => Promise<void>
}

/** A connection that is lost sooner counts as one more that failed. */
const STABLE_MS = 10_000
const STEADY_SHARE = 0.5
/** What a server says that is not the primary any more, or has lost the stream or its group: a new connection finds or makes them. */
const STARTS_ANEW = ['READONLY', 'NOGROUP', 'UNBLOCKED', 'LOADING', 'MASTERDOWN']

export function linkWith(parts: LinkParts): RedisLink {
  const { settings, machine } = parts
  return new Link<Line>({
    ...{ broker: 'redis', machine, failures: { closed, unavailable } },
    pauses: { delayMsMax: settings.reconnectDelayMsMax, steadyShare: STEADY_SHARE, stableMs: STABLE_MS },
    connect: (lost) => lineTo(parts, lost),
    cut: ({ client }) => leave(client),
    leave: async ({ client }) => leave(client),
  })
}

async function lineTo(parts: LinkParts, lost: (why: unknown) => void): Promise<Line> {
  const { settings, machine, prepare } = parts
  const drop = (why: unknown): void => {
    lost(why)
    leave(client)
  }
  const client = (await clientTo(parts, () => drop('the server closed it'))) as ScriptedRedis
  const line: Line = {
    client,
    async ask(question, withinMs = settings.publishTimeoutMs) {
      const answer = question(client)
      const cancel = machine.schedule(withinMs, () => drop('no answer in time'))
      try {
        return await answer
      } catch (error) {
        if (STARTS_ANEW.includes(replyCode(error) ?? '')) drop(error)
        throw error
      } finally {
        cancel()
      }
    },
    another: () => clientTo(parts, () => drop('the server closed one that reads')),
  }
  try {
    await prepare(line)
    if (client.status !== 'ready') throw unavailable('the connection was lost')
  } catch (error) {
    client.disconnect()
    throw error
  }
  return line
}

async function clientTo({ settings, machine }: LinkParts, onEnd: () => void): Promise<Redis> {
  const client = new Redis(settings.url, { ...settings.connection, ...ownOptions(settings) })
  let reason: unknown = 'no answer in time'
  client.on('error', (error) => {
    reason = error
  })
  await inTime(machine, settings.connectTimeoutMs, client.connect())
  if (client.status !== 'ready') {
    client.disconnect()
    throw unavailable('the server cannot be reached', reason)
  }
  client.once('end', onEnd)
  return client
}

function ownOptions({ connectTimeoutMs }: RedisSettings): Omit<RedisOptions, 'replyMapping'> {
  return {
    ...{ lazyConnect: true, enableOfflineQueue: false, autoResendUnfulfilledCommands: false },
    ...{ maxRetriesPerRequest: 0, retryStrategy: () => null, connectTimeout: connectTimeoutMs },
    ...{ enableAutoPipelining: true, scripts: SCRIPTS, connectionName: 'spillway' },
  }
}
