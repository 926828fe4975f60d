import { AT_ONCE_SPOILED } from './at-once.js'
import { BAD_DAYS_SPOILED } from './bad-days.js'
import { HOLDERS_SPOILED } from './holders.js'
import { LIVES_SPOILED } from './lives.js'
import { PROMISES_SPOILED } from './promises.js'
import type { Corruption } from './spoil.js'

/** Valid histories, each spoiled in one way that one invariant must notice. */
export const corruptions: readonly Corruption[] = [
  ...AT_ONCE_SPOILED,
  ...PROMISES_SPOILED,
  ...LIVES_SPOILED,
  ...HOLDERS_SPOILED,
  ...BAD_DAYS_SPOILED,
]
