// How a queue is put on Redis: `channel: redis('redis://host:6379')`.

import { type BrokerSpec, brokerChannel } from '../../config/index.js'
import { machine } from '../driver/index.js'
import { type RedisBrokerOptions, settingsOf } from './options.js'
import { RedisBroker } from './redis-broker.js'

/**
 * Chunks travel through a Redis stream; queues that are given the same value share a connection. Needs `ioredis`, and Redis 6.2 or later
 * (7.2 for `synced`) or a server that speaks like it. What a confirmation is worth is up to the server's settings; those that lose
 * messages are told of through telemetry, or refused with `strict`.
 */
export function redis(url: string, options: RedisBrokerOptions = {}): BrokerSpec {
  return brokerChannel(new RedisBroker(settingsOf(url, options), machine), options, 'redis')
}
