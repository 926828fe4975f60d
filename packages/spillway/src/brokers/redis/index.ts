export type { RedisBrokerOptions } from './options.js'
export { redis } from './redis.js'
