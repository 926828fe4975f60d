import { buffer } from 'spillway'
import { queuedInMemory } from './queued.js'

export const bufferPattern = queuedInMemory(
  'buffer',
  'memory, flushed by size or time',
  buffer({ flush: { size: 1_000, every: '250ms' }, maxItems: 10_000, whenFull: 'block' }),
)
