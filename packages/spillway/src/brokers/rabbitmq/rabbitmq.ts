// How a queue is put on RabbitMQ: `channel: rabbitmq('amqp://host')`.

import { type BrokerSpec, brokerChannel } from '../../config/index.js'
import { machine } from '../driver/index.js'
import { type RabbitMqOptions, settingsOf } from './options.js'
import { RabbitMqBroker } from './rabbitmq-broker.js'

/**
 * Chunks travel through quorum queues. `url`: one, several in a list or separated by commas; the queues that are given the same value
 * share connections. Needs `amqplib`, and RabbitMQ 3.10 or later.
 */
export function rabbitmq(url: string | readonly string[], options: RabbitMqOptions = {}): BrokerSpec {
  return brokerChannel(new RabbitMqBroker(settingsOf(url, options), machine), options, 'rabbitmq')
}
