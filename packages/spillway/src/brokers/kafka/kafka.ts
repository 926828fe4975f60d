// How a queue is put on Kafka: `channel: kafka('kafka://host:9092')`.

import { type BrokerSpec, brokerChannel } from '../../config/index.js'
import { machine } from '../driver/index.js'
import { KafkaBroker } from './kafka-broker.js'
import { type KafkaOptions, settingsOf } from './options.js'

/**
 * Chunks travel through one topic per queue. `url`: brokers of one cluster, separated by commas, `kafkas://` for TLS; the queues that
 * are given the same value share a connection. Needs `kafkajs`; tested with Kafka 3.9.
 */
export function kafka(url: string, options: KafkaOptions = {}): BrokerSpec {
  return brokerChannel(new KafkaBroker(settingsOf(url, options), machine), options, 'kafka')
}
