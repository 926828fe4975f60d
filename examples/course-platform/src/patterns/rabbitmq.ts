import { rabbitmq } from 'spillway/rabbitmq'
import { brokerOf, carried } from './carried.js'

export const rabbitmqPattern = carried(
  { name: 'rabbitmq', summary: 'quorum queue, confirmed', broker: 'rabbitmq', hasAgent: false },
  (site) => ({ channel: rabbitmq(brokerOf(site), { prefix: site.prefix }) }),
)
