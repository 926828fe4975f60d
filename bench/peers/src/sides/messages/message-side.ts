// One message per command and a consumer around the broker's client, in the two forms that people write: row by row, or with a batcher
// that writes a hundred rows at a time. Either takes many messages at once and acknowledges each one when its row is committed.

import type { BrokerName } from '../../broker-names.js'
import { coalesced } from '../../coalesced-writes.js'
import { type Effect, openEffect, POOL_CONNECTIONS } from '../../effect.js'
import type { WatchEvent } from '../../watch-events.js'
import { type ServerUrls, type Settings, type Side, type SideContext, submits, works } from '../side.js'

/** Messages in the consumer's hands at most. */
export const PREFETCH = 500
const ROWS_PER_INSERT = 100
const BATCHES_AT_ONCE = 4

export interface MessageSides {
  /** Rows written a hundred at a time. */
  readonly batched: Side
  readonly rowByRow: Side
}

export interface Producer {
  /** Resolves once the broker has confirmed the message. */
  send(body: Buffer): Promise<unknown>
  close(): Promise<void>
}

export interface Consumer {
  close(): Promise<void>
}

/** Writes the row of a message; resolves once it is committed. */
export type Handle = (body: Uint8Array) => Promise<void>

export interface MessageClient {
  readonly title: string
  readonly broker: BrokerName
  readonly settings: Settings
  /** Makes what has to exist. */
  install(transit: Way): Promise<void>
  produce(transit: Way): Promise<Producer>
  consume(transit: Way, handle: Handle): Promise<Consumer>
}

export interface Way {
  readonly url: string
  readonly lane: string
}

export function messageSides(client: MessageClient): MessageSides {
  return {
    batched: messageSide(client, `${client.title}, rows by the hundred`, BATCHED),
    rowByRow: messageSide(client, `${client.title}, row by row`, ROW_BY_ROW),
  }
}

interface Writing {
  readonly settings: Settings
  open(url: string): Effect
}

const BATCHED: Writing = {
  settings: { rowsPerInsert: ROWS_PER_INSERT, insertsAtOnce: BATCHES_AT_ONCE },
  open: (url) => coalesced(openEffect(url), { rowsMax: ROWS_PER_INSERT, writesAtOnce: BATCHES_AT_ONCE }),
}

const ROW_BY_ROW: Writing = {
  settings: { rowsPerInsert: 1, poolConnections: POOL_CONNECTIONS },
  open: openEffect,
}

function messageSide(client: MessageClient, title: string, writing: Writing): Side {
  const { broker, settings } = client
  return {
    ...{ title, broker, engine: 'postgres', redis: broker === 'redis' ? 'everysec' : null },
    settings: { ...settings, prefetch: PREFETCH, ...writing.settings },
    install: ({ transit }) => client.install(wayOf(transit)),
    open: (context) => openMessages(client, writing, context),
  }
}

async function openMessages(client: MessageClient, writing: Writing, context: SideContext) {
  const { urls, role } = context
  const way = wayOf(urls.transit)
  const closers: (() => Promise<void>)[] = []
  if (works(role)) closers.push(await startConsumer(client, way, writing.open(urls.database), context))
  const producer = submits(role) ? await client.produce(way) : null
  if (producer !== null) closers.push(producer.close)
  const send = (event: WatchEvent) =>
    producer === null
      ? Promise.reject(new Error('this process only works'))
      : producer.send(Buffer.from(JSON.stringify(event)))
  return {
    submit: send,
    submitMany: (events: readonly WatchEvent[]) => Promise.all(events.map(send)),
    async close() {
      for (const close of closers) await close()
    },
  }
}

async function startConsumer(client: MessageClient, way: Way, effect: Effect, { landed }: SideContext) {
  const consumer = await client.consume(way, async (body) => {
    const written = await effect.writeOne(JSON.parse(Buffer.from(body).toString()) as WatchEvent)
    landed.add(written, 1 - written)
  })
  return async () => {
    await consumer.close()
    await effect.close()
  }
}

function wayOf({ broker, lane }: ServerUrls['transit']): Way {
  if (broker === null) throw new Error('the side needs a broker')
  return { url: broker, lane }
}
