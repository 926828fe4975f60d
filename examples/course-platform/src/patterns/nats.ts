import { brokerOf, carried } from './carried.js'

/** `ackWait`: how long what a killed process had in its hands waits for the next one. */
export const natsPattern = carried(
  { name: 'nats', summary: 'JetStream, acknowledged', broker: 'nats', hasAgent: false },
  async (site) => {
    const { nats } = await import('spillway/nats')
    return { channel: nats(brokerOf(site), { prefix: site.prefix, ackWait: '2s' }) }
  },
)
