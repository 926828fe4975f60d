import { brokerOf, carried } from './carried.js'

/** `session`: how long the partitions of a killed process wait for the next one; the least that Kafka allows by default. */
export const kafkaPattern = carried(
  { name: 'kafka', summary: 'topic, acks=all', broker: 'kafka', hasAgent: false },
  async (site) => {
    const { kafka } = await import('spillway/kafka')
    return { channel: kafka(brokerOf(site), { prefix: site.prefix, session: '6s' }) }
  },
)
