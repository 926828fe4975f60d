import { brokerOf, carried } from './carried.js'

export const rabbitmqPattern = carried(
  { name: 'rabbitmq', summary: 'quorum queue, confirmed', broker: 'rabbitmq', hasAgent: false },
  async (site) => {
    const { rabbitmq } = await import('spillway/rabbitmq')
    return { channel: rabbitmq(brokerOf(site), { prefix: site.prefix }) }
  },
)
