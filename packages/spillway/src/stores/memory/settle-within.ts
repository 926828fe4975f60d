// Effects and settlement as one step. Everything runs synchronously, so nothing can come between the check of the leases
// and the settlement; effects go through a transaction that is undone when anything throws.

import type { LeaseRef, LeaseVerdict, Settlement } from '../../domain/index.js'
import { SpillwayError } from '../../errors/index.js'
import type { SettleScope, SettleWork } from '../../ports/index.js'
import { heldChunk, settleOne } from './settle.js'
import type { MemoryState } from './state.js'
import { inTransaction, type MemoryTx, type TableTransaction } from './tables.js'
import type { Notify } from './wake.js'

/** One verdict per lease. */
export function settleWithin(
  state: MemoryState,
  leases: readonly LeaseRef[],
  work: SettleWork<MemoryTx>,
  now: () => number,
  notify: Notify,
): LeaseVerdict[] {
  const valid = leases.map((lease) => heldChunk(state, lease) !== null)
  inTransaction(state.tables, (transaction) => {
    const settlements = mustBeSync(work(scopeOf(transaction), valid))
    for (const settlement of settlements) checkNamed(state, settlement, leases)
    for (const settlement of settlements) settleOne(state, settlement, now(), notify)
  })
  return valid.map((held) => (held ? 'ok' : 'stale'))
}

function scopeOf(transaction: TableTransaction): SettleScope<MemoryTx> {
  return {
    tx: transaction,
    savepoint: (work) => transaction.attempt(() => mustBeSync(work())),
    write: (bulk) => transaction.write(bulk),
  }
}

function mustBeSync<T>(value: T | Promise<T>): T {
  if (typeof value !== 'object' || value === null || !('then' in value)) return value as T
  // Whatever it comes to, the transaction is undone; its rejection must not surface as an unhandled one.
  Promise.resolve(value).catch(() => {})
  throw new SpillwayError(
    'sync_handler_required',
    'Make the handler synchronous: on the memory store a transaction settles before the handler returns, so nothing in it can be awaited.',
  )
}

function checkNamed(state: MemoryState, settlement: Settlement, leases: readonly LeaseRef[]): void {
  const { chunkId, token } = settlement
  const named = leases.some((lease) => lease.chunkId === chunkId && lease.token === token)
  if (named && heldChunk(state, settlement) !== null) return
  throw new SpillwayError('internal', `Settle only valid leases of this call: chunk ${chunkId} is not one.`, {
    details: { chunkId, token },
  })
}
