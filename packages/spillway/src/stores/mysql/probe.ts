// Whether the store could take commands now: a write that needs room, in a transaction that is committed like an append.

import type { Session } from './session.js'

/** More than a page, so that a database that cannot grow is noticed. */
const FILLER_BYTES = 32 * 1024

export async function probe(session: Session): Promise<void> {
  await session.transaction((transaction) =>
    transaction.finish([
      `insert into spillway_probes (filler) values (repeat('0', ${FILLER_BYTES}))`,
      'delete from spillway_probes where seq = last_insert_id()',
    ]),
  )
}
