// One configuration of Spillway for every process of a side: the one that submits, the agent and the worker. What a queue's channel is
// depends on the side alone.

import { type AnyCommand, type BrokerSpec, type ChannelSpec, journal, type SpillwayConfig } from 'spillway'
import { kafka } from 'spillway/kafka'
import { nats } from 'spillway/nats'
import { postgres } from 'spillway/postgres'
import { rabbitmq } from 'spillway/rabbitmq'
import { redis } from 'spillway/redis'
import type { BrokerName } from './broker-names.js'
import type { LandedCount } from './landed-count.js'
import type { ServerUrls } from './sides/side.js'
import { countFinished, plainCommand } from './sides/spillway.js'

/** The way of a side: a journal, a broker, or one after the other. */
export interface Route {
  readonly hasJournal: boolean
  readonly broker: BrokerName | null
}

const BROKERS: Readonly<Record<BrokerName, (url: string, options: { prefix: string }) => BrokerSpec>> = {
  rabbitmq,
  nats,
  kafka,
  redis,
}

export function transitConfig(
  route: Route,
  { database, transit }: ServerUrls,
  landed: LandedCount,
): { readonly config: SpillwayConfig; readonly command: AnyCommand } {
  const command = plainCommand('effect')
  const config: SpillwayConfig = {
    store: postgres(database),
    commands: [command],
    queues: { default: { channel: channelOf(route, transit) } },
    telemetry: [{ record: (event) => countFinished(event, { landed }) }],
  }
  return { config, command }
}

function channelOf(
  { hasJournal, broker }: Route,
  { broker: url, lane, spool }: ServerUrls['transit'],
): ChannelSpec {
  const to = broker === null ? null : BROKERS[broker](url ?? '', { prefix: lane })
  if (hasJournal) return journal(spool ?? '', { level: 'synced', ...(to === null ? {} : { to }) })
  if (to === null) throw new Error('the side has neither journal nor broker')
  return to
}
