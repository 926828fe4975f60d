// The themes of the contract, in the order of a command's life.

import type { Theme } from '../suite.js'
import { appendTheme } from './append.js'
import { appendLeaseTheme } from './append-lease.js'
import { appendLeftTheme } from './append-left.js'
import { appendSettledTheme } from './append-settled.js'
import { appendsInSettleTheme } from './appends-in-settle.js'
import { attemptsTheme } from './attempts.js'
import { auditTheme } from './audit.js'
import { blockedTheme } from './blocked.js'
import { blockersTheme } from './blockers.js'
import { bulkWriteTheme } from './bulk-write.js'
import { claimTheme } from './claim.js'
import { completionTheme } from './completion.js'
import { controlTheme } from './control.js'
import { discardAndEditTheme } from './discard-and-edit.js'
import { durabilityTheme } from './durability.js'
import { errorGroupsTheme } from './error-groups.js'
import { idempotencyTheme } from './idempotency.js'
import { leaseTheme } from './lease.js'
import { listingTheme } from './listing.js'
import { modelTheme } from './model.js'
import { nodesTheme } from './nodes.js'
import { oldestFirstTheme } from './oldest-first.js'
import { parkedTheme } from './parked.js'
import { partitionsTheme } from './partitions.js'
import { promoteTheme } from './promote.js'
import { pruneTheme } from './prune.js'
import { queueSettingsTheme } from './queue-settings.js'
import { readerTheme } from './reader.js'
import { repeatsTheme } from './repeats.js'
import { rolesTheme } from './roles.js'
import { schemaTheme } from './schema.js'
import { settleTheme } from './settle.js'
import { settlePromotedTheme } from './settle-promoted.js'
import { settleWithinTheme } from './settle-within.js'
import { sharedValuesTheme } from './shared-values.js'
import { stagesTheme } from './stages.js'
import { tenantsTheme } from './tenants.js'
import { transitionsTheme } from './transitions.js'
import { undoTheme } from './undo.js'
import { wakeTheme } from './wake.js'

export const THEMES: readonly Theme[] = [
  schemaTheme,
  appendTheme,
  idempotencyTheme,
  repeatsTheme,
  parkedTheme,
  claimTheme,
  appendLeaseTheme,
  appendLeftTheme,
  oldestFirstTheme,
  tenantsTheme,
  partitionsTheme,
  leaseTheme,
  settleTheme,
  settlePromotedTheme,
  appendsInSettleTheme,
  settleWithinTheme,
  undoTheme,
  bulkWriteTheme,
  appendSettledTheme,
  promoteTheme,
  stagesTheme,
  attemptsTheme,
  blockersTheme,
  blockedTheme,
  completionTheme,
  controlTheme,
  discardAndEditTheme,
  queueSettingsTheme,
  nodesTheme,
  rolesTheme,
  sharedValuesTheme,
  readerTheme,
  listingTheme,
  errorGroupsTheme,
  auditTheme,
  pruneTheme,
  wakeTheme,
  transitionsTheme,
  durabilityTheme,
  modelTheme,
]
