// Whether the store could take commands now: a write that needs room, in a transaction that is committed like an append.

import type { SqliteTx } from './client.js'

/** More than a page, so that a database that cannot grow is noticed. */
const FILLER_BYTES = 16 * 1024

/** Inside a write transaction. */
export function prepareProbe(db: SqliteTx): () => void {
  const fill = db.prepare(`insert into spillway_probes (filler) values (zeroblob(${FILLER_BYTES}))`)
  const clear = db.prepare('delete from spillway_probes')
  return () => {
    fill.run()
    clear.run()
  }
}
