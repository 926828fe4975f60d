import { bufferPattern } from './buffer.js'
import { journalPattern } from './journal.js'
import { kafkaPattern } from './kafka.js'
import { natsPattern } from './nats.js'
import type { DurablePattern, Pattern, PatternName } from './pattern.js'
import { poolPattern } from './pool.js'
import { rabbitmqPattern } from './rabbitmq.js'
import { redisPattern } from './redis.js'
import { storePattern } from './store.js'
import { syncPattern } from './sync.js'

export {
  type BrokerName,
  type DurablePattern,
  PATTERN_NAMES,
  type Pattern,
  type PatternName,
} from './pattern.js'

/** Those that the platform itself can be run with. */
export const DURABLE_PATTERNS = {
  store: storePattern,
  journal: journalPattern,
  rabbitmq: rabbitmqPattern,
  nats: natsPattern,
  kafka: kafkaPattern,
  redis: redisPattern,
} satisfies Partial<Record<PatternName, DurablePattern>>

export type DurablePatternName = keyof typeof DURABLE_PATTERNS

export const PATTERNS: Readonly<Record<PatternName, Pattern>> = {
  sync: syncPattern,
  pool: poolPattern,
  buffer: bufferPattern,
  ...DURABLE_PATTERNS,
}
