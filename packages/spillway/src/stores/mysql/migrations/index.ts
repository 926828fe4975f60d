// All migrations, oldest first. One that was released never changes: what comes later is a new one.

import { foundation } from './0001-foundation.js'
import { stages } from './0002-stages.js'
import type { StatementMigration } from './migration.js'

export { asMigration, type StatementMigration } from './migration.js'

export const MIGRATIONS: readonly StatementMigration[] = [foundation, stages]
