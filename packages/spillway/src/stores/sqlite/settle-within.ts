// Effects and settlement in one commit. The handler works on the store's own connection inside its transaction, synchronously:
// an await in between would leave the write lock with nobody at home.

import type { LeaseRef, LeaseVerdict, Settlement } from '../../domain/index.js'
import { SpillwayError } from '../../errors/index.js'
import type { SettleScope, SettleWork } from '../../ports/index.js'
import { prepareBulkWriter } from './bulk-write.js'
import type { SqliteTx } from './client.js'
import { onBehalfOfHandler } from './errors.js'
import type { Hints } from './hints.js'
import { newSavepoints } from './savepoints.js'
import type { Settler } from './settle.js'

export interface WithinSettler {
  /** Inside a write transaction. */
  settleWithin(
    leases: readonly LeaseRef[],
    work: SettleWork<SqliteTx>,
    now: () => number,
    hints: Hints,
  ): LeaseVerdict[]
}

export function prepareWithinSettler(db: SqliteTx, settler: Settler, path: string): WithinSettler {
  const bulkWriter = prepareBulkWriter(db, path)
  const savepoints = newSavepoints(db, path)
  const scope: SettleScope<SqliteTx> = {
    tx: db,
    savepoint: (work) => savepoints.around(work),
    write: (bulk) => savepoints.inside(() => bulkWriter.write(bulk)),
  }

  /** The savepoint around it all vanishes if the handler ends the transaction, even if it begins another. */
  function run<T>(work: () => T | Promise<T>): T {
    return onBehalfOfHandler(() => savepoints.around(work))
  }

  return {
    settleWithin(leases, work, now, hints) {
      const valid = leases.map((lease) => settler.isHeld(lease))
      const settlements = run(() => work(scope, valid))
      for (const settlement of settlements) {
        if (!isNamed(settlement, leases) || !settler.isHeld(settlement)) throw notHeld(settlement)
      }
      const settledAt = now()
      for (const settlement of settlements) settler.settle(settlement, settledAt, hints)
      return valid.map((held) => (held ? 'ok' : 'stale'))
    },
  }
}

function isNamed({ chunkId, token }: Settlement, leases: readonly LeaseRef[]): boolean {
  return leases.some((lease) => lease.chunkId === chunkId && lease.token === token)
}

function notHeld({ chunkId, token }: Settlement): SpillwayError {
  return new SpillwayError(
    'internal',
    `Settle only valid leases of this call: chunk ${chunkId} is not one.`,
    {
      details: { chunkId, token },
    },
  )
}
