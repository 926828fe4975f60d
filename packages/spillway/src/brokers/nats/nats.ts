// How a queue is put on NATS: `channel: nats('nats://host:4222')`.

import { type BrokerSpec, brokerChannel } from '../../config/index.js'
import { machine } from '../driver/index.js'
import { NatsBroker } from './nats-broker.js'
import { type NatsOptions, settingsOf } from './options.js'

/**
 * Chunks travel through a JetStream stream. `url`: one, several in a list or separated by commas; the queues that are given the same
 * value share a connection. Needs `@nats-io/transport-node` and `@nats-io/jetstream`, and a server of version 2.9 or later.
 */
export function nats(url: string | readonly string[], options: NatsOptions = {}): BrokerSpec {
  return brokerChannel(new NatsBroker(settingsOf(url, options), machine), options, 'nats')
}
