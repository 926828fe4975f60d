// A connection to a server of RabbitMQ, as the driver's link makes it. Acknowledgements and confirms belong to the channel they came by, and
// end with it. There are two links, because a server that is short of memory stops reading from connections that publish, and what is
// acknowledged on them.

import { type ChannelModel, connect } from 'amqplib'
import { Link, type Machine } from '../driver/index.js'
import { closingOf } from './closing.js'
import { closed, connectFailure, unavailable } from './failures.js'
import type { RabbitMqSettings, Server } from './options.js'
import { within } from './within.js'

export type RabbitMqLink = Link<ChannelModel>

export interface LinkParts {
  readonly name: string
  readonly settings: RabbitMqSettings
  readonly machine: Machine
  /** Makes sure of everything on the server before the connection is used. */
  readonly prepare?: (model: ChannelModel) => Promise<void>
}

const CLOSE_MS_MAX = 2_000
const SECOND_MS = 1_000

export function linkWith(parts: LinkParts): RabbitMqLink {
  const { settings, machine } = parts
  let dials = 0
  return new Link<ChannelModel>({
    ...{ broker: 'rabbitmq', machine, failures: { closed, unavailable } },
    pauses: { delayMsMax: settings.reconnectDelayMsMax, steadyShare: 0, stableMs: 0 },
    connect: (lost) => {
      const server = settings.servers[dials % settings.servers.length] as Server
      dials += 1
      return connectTo(server, parts, lost)
    },
    cut: destroy,
    async leave(model) {
      await within(machine, CLOSE_MS_MAX)(closingOf(model)).catch(() => {})
      destroy(model)
    },
  })
}

async function connectTo(
  server: Server,
  parts: LinkParts,
  lost: (why: unknown) => void,
): Promise<ChannelModel> {
  const model = await modelOf(server, parts)
  // Without a listener an error would end the process.
  let failure: unknown = null
  model.on('error', (error) => {
    failure = error
  })
  model.on('close', (error?: unknown) => {
    failure ??= error ?? 'the server closed it'
    lost(failure)
    // The client ends its side of the connection and waits for the other.
    destroy(model)
  })
  try {
    await parts.prepare?.(model)
    if (failure !== null) throw failure
    return model
  } catch (error) {
    destroy(model)
    throw connectFailure(error)
  }
}

async function modelOf(server: Server, { settings, name }: LinkParts): Promise<ChannelModel> {
  const { connection, connectTimeoutMs, heartbeatMs } = settings
  try {
    return await connect(
      { ...server, heartbeat: Math.ceil(heartbeatMs / SECOND_MS) },
      {
        ...{ noDelay: true, keepAlive: true },
        ...connection,
        timeout: connectTimeoutMs,
        clientProperties: { connection_name: `spillway ${name}`, ...connection.clientProperties },
      },
    )
  } catch (error) {
    throw connectFailure(error)
  }
}

/** The client has no word for it: it would wait for an answer of a server that does not give any. */
function destroy(model: ChannelModel): void {
  const { stream } = model.connection as { readonly stream?: { destroy(error?: Error): void } }
  stream?.destroy(new Error('given up'))
}
