// Whom Spillway is held against, and who is shown beside them.

import type { SideName } from '../sides/side-names.js'

/** The queues of others, as their documentation sets them up for speed. */
export const PEERS = [
  'bullmq',
  'bullmq-always',
  'bullmq-postgres',
  'pg-boss',
  'graphile-worker',
] as const satisfies readonly SideName[]

/** The same, with handlers that share bulk inserts: what their users could build around them. */
export const COALESCING_PEERS = [
  'bullmq-coalesced',
  'graphile-coalesced',
] as const satisfies readonly SideName[]
