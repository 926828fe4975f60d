import { pool } from 'spillway'
import { queuedInMemory } from './queued.js'

export const poolPattern = queuedInMemory(
  'pool',
  'bounded queue in memory',
  pool({ coreSize: 2, maxSize: 4, queueCapacity: 2_000, whenFull: 'block' }),
)
