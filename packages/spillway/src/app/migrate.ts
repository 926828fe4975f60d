// Migrating is its own act, never a side effect of starting: a rolling deploy decides when the schema changes.

import type { SchemaState, Store } from '../ports/index.js'

/** Brings the store's schema up to date. Safe to run from several processes at once, and when there is nothing to do. */
export function migrate(store: Store): Promise<SchemaState> {
  return store.schema.migrate()
}
