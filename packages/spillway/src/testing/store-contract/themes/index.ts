// The themes of the contract, in the order of a command's life.

import type { Theme } from '../suite.js'
import { appendTheme } from './append.js'
import { bulkWriteTheme } from './bulk-write.js'
import { claimTheme } from './claim.js'
import { controlTheme } from './control.js'
import { durabilityTheme } from './durability.js'
import { idempotencyTheme } from './idempotency.js'
import { leaseTheme } from './lease.js'
import { listingTheme } from './listing.js'
import { modelTheme } from './model.js'
import { nodesTheme } from './nodes.js'
import { parkedTheme } from './parked.js'
import { partitionsTheme } from './partitions.js'
import { promoteTheme } from './promote.js'
import { pruneTheme } from './prune.js'
import { queueSettingsTheme } from './queue-settings.js'
import { readerTheme } from './reader.js'
import { rolesTheme } from './roles.js'
import { schemaTheme } from './schema.js'
import { settleTheme } from './settle.js'
import { settlePromotedTheme } from './settle-promoted.js'
import { settleWithinTheme } from './settle-within.js'
import { transitionsTheme } from './transitions.js'
import { undoTheme } from './undo.js'
import { wakeTheme } from './wake.js'

export const THEMES: readonly Theme[] = [
  schemaTheme,
  appendTheme,
  idempotencyTheme,
  parkedTheme,
  claimTheme,
  partitionsTheme,
  leaseTheme,
  settleTheme,
  settlePromotedTheme,
  settleWithinTheme,
  undoTheme,
  bulkWriteTheme,
  promoteTheme,
  controlTheme,
  queueSettingsTheme,
  nodesTheme,
  rolesTheme,
  readerTheme,
  listingTheme,
  pruneTheme,
  wakeTheme,
  transitionsTheme,
  durabilityTheme,
  modelTheme,
]
