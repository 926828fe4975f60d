import { bufferPattern } from './buffer.js'
import type { Pattern, PatternName } from './pattern.js'
import { poolPattern } from './pool.js'
import { storePattern } from './store.js'
import { syncPattern } from './sync.js'

export { PATTERN_NAMES, type Pattern, type PatternName, type RunningPattern } from './pattern.js'

export const PATTERNS: Readonly<Record<PatternName, Pattern>> = {
  sync: syncPattern,
  pool: poolPattern,
  buffer: bufferPattern,
  store: storePattern,
}
