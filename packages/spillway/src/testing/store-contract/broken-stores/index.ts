import { BROKEN_AT_ONCE } from './at-once.js'
import { BROKEN_BAD_DAYS } from './bad-days.js'
import type { BrokenStore } from './broken-store.js'
import { BROKEN_LIFE } from './life.js'
import { BROKEN_SURROUNDINGS } from './surroundings.js'

export type { Break, BrokenStore } from './broken-store.js'
export const BROKEN_STORES: readonly BrokenStore[] = [
  ...BROKEN_LIFE,
  ...BROKEN_AT_ONCE,
  ...BROKEN_BAD_DAYS,
  ...BROKEN_SURROUNDINGS,
]
