// All migrations, oldest first. One that was released never changes: what comes later is a new one. Functions carry a number
// in their names, so that two releases with different ones can run side by side: a new release adds its own and leaves
// those of the one before for whoever still runs it.

import { foundation } from './0001-foundation.js'
import { keys } from './0002-keys.js'
import { append } from './0003-append.js'
import { claim } from './0004-claim.js'
import { settle } from './0005-settle.js'
import { stages } from './0006-stages.js'
import { stageIndexes } from './0007-stage-indexes.js'
import { appendNotes } from './0008-append-notes.js'
import { claimStages } from './0009-claim-stages.js'
import { settleNotes } from './0010-settle-notes.js'
import { sharedValues } from './0011-shared-values.js'
import { appendLease } from './0012-append-lease.js'
import { appendSettled } from './0013-append-settled.js'
import type { SqlMigration } from './sql-migration.js'

export const MIGRATIONS: readonly SqlMigration[] = [
  foundation,
  keys,
  append,
  claim,
  settle,
  stages,
  stageIndexes,
  appendNotes,
  claimStages,
  settleNotes,
  sharedValues,
  appendLease,
  appendSettled,
]
