// The names of all sides, apart from their code: the command line needs no more of them.

export const SIDE_NAMES = [
  'spillway',
  'spillway-effect',
  'spillway-none',
  'bullmq',
  'bullmq-always',
  'bullmq-coalesced',
  'bullmq-postgres',
  'pg-boss',
  'pg-boss-notified',
  'graphile-worker',
  'graphile-eager',
  'graphile-coalesced',
  'direct',
  'bulk',
  'mariadb-spillway',
  'mariadb-direct',
  'mariadb-bulk',
] as const

export type SideName = (typeof SIDE_NAMES)[number]
