import { APPEND_BUGS } from './append-bugs.js'
import { AT_ONCE_BUGS } from './at-once-bugs.js'
import { BAD_DAY_BUGS } from './bad-day-bugs.js'
import { LEASE_BUGS } from './lease-bugs.js'
import { PARKED_BUGS } from './parked-bugs.js'
import type { PlantedBug } from './planted-bug.js'

export type { PlantedBug } from './planted-bug.js'

export const PLANTED_BUGS: readonly PlantedBug[] = [
  ...APPEND_BUGS,
  ...AT_ONCE_BUGS,
  ...LEASE_BUGS,
  ...PARKED_BUGS,
  ...BAD_DAY_BUGS,
]
