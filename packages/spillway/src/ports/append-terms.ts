// What an append is asked for beside storing, checked in one place for all stores.

import type { ChunkDraft } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import type { AppendLease, AppendOptions, BulkWrite } from './store.js'

export interface AppendTerms {
  readonly atomic: boolean
  readonly remember: boolean
  readonly lease: AppendLease | null
}

/** Throws `invalid_argument` for options that exclude each other. */
export function appendTerms<Tx>(options: AppendOptions<Tx> = {}): AppendTerms {
  const { tx, atomic = false, lease = null } = options
  const remember = options.remember === true || lease !== null
  if (remember && (tx !== undefined || atomic)) {
    throw new SpillwayError(
      'invalid_argument',
      'Append with `lease` or `remember` in a call of its own: neither goes with `tx` or `atomic`.',
    )
  }
  return { atomic, remember, lease }
}

/** Whether `appendSettled` can say of these drafts that all of them succeeded, as far as that is seen without the store. */
export function canSettleAtOnce(drafts: readonly ChunkDraft[], { rows }: BulkWrite): boolean {
  if (drafts.length === 0 || rows.length === 0) return false
  return drafts.every(({ partition, parked }) => partition === null && parked === null)
}
