// All migrations, oldest first. One that was released never changes: what comes later is a new one. Functions carry a number
// in their names, so that two releases with different ones can run side by side: a new release adds its own and leaves
// those of the one before for whoever still runs it.

import { foundation } from './0001-foundation.js'
import { keys } from './0002-keys.js'
import { append } from './0003-append.js'
import { claim } from './0004-claim.js'
import { settle } from './0005-settle.js'
import type { SqlMigration } from './sql-migration.js'

export const MIGRATIONS: readonly SqlMigration[] = [foundation, keys, append, claim, settle]
