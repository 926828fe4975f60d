import { brokerOf, carried } from './carried.js'

/** `ackWait`: how long what a killed process had in its hands waits for the next one. */
export const redisPattern = carried(
  { name: 'redis', summary: 'stream, consumer group', broker: 'redis', hasAgent: false },
  async (site) => {
    const { redis } = await import('spillway/redis')
    return { channel: redis(brokerOf(site), { prefix: site.prefix, ackWait: '2s' }) }
  },
)
