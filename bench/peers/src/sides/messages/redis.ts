// A stream with a consumer group. The client puts commands that come together into one write by itself.

import { Redis } from 'ioredis'
import { messageSides, PREFETCH } from './message-side.js'

const GROUP = 'rows'
const BLOCK_MS = 200

type Entries = [id: string, fields: [name: string, body: Buffer]][]

export const redisMessages = messageSides({
  title: 'Redis Streams',
  broker: 'redis',
  settings: {
    client: 'ioredis',
    ...{ connection: { enableAutoPipelining: true }, stream: 'XADD, XREADGROUP, XACK and XDEL' },
    redis: { appendonly: 'yes', appendfsync: 'everysec' },
  },
  async install({ url, lane }) {
    const redis = new Redis(url)
    await redis.xgroup('CREATE', lane, GROUP, '0', 'MKSTREAM')
    redis.disconnect()
  },
  async produce({ url, lane }) {
    const redis = new Redis(url, { enableAutoPipelining: true })
    return {
      send: (body) => redis.xadd(lane, '*', 'body', body),
      async close() {
        redis.disconnect()
      },
    }
  },
  async consume({ url, lane }, handle) {
    const reading = new Redis(url)
    const answering = new Redis(url, { enableAutoPipelining: true })
    const underWay = new Set<Promise<unknown>>()
    let isClosed = false
    const take = ([id, [, body]]: Entries[number]) => {
      const done = handle(body)
        .then(() => Promise.all([answering.xack(lane, GROUP, id), answering.xdel(lane, id)]))
        .finally(() => underWay.delete(done))
      underWay.add(done)
    }
    const read = async () => {
      while (!isClosed) {
        const room = PREFETCH - underWay.size
        if (room === 0) await Promise.race(underWay)
        else for (const entry of await nextEntries(reading, lane, room)) take(entry)
      }
    }
    const ended = read()
    return {
      async close() {
        isClosed = true
        await ended
        await Promise.all(underWay)
        reading.disconnect()
        answering.disconnect()
      },
    }
  },
})

async function nextEntries(redis: Redis, lane: string, count: number): Promise<Entries> {
  const found = await redis.xreadgroupBuffer(
    ...(['GROUP', GROUP, 'one', 'COUNT', count, 'BLOCK', BLOCK_MS, 'STREAMS', lane, '>'] as const),
  )
  const streams = (found ?? []) as [name: Buffer, entries: [Buffer, [Buffer, Buffer]][]][]
  return streams.flatMap(([, entries]) =>
    entries.map(([id, [name, body]]): Entries[number] => [id.toString(), [name.toString(), body]]),
  )
}
