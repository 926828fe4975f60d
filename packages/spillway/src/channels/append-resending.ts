// Appending when the store may fail after it committed. An unknown outcome is cleared up by sending the same chunks, with the same
// ids, again: the store then answers as it did, or would have done, the first time. Once unknown, only an answer ends it:
// that a later try was refused says nothing about the first.

import type { ChunkDraft } from '../domain/index.js'
import { isSpillwayError, isUnknownOutcome, SpillwayError } from '../errors/index.js'
import type { AppendResult, Clock, Store } from '../ports/index.js'

export const RESENDS_MAX = 6
const RESEND_DELAY_MS = 20
const RESEND_DELAY_MS_MAX = 1_000

/** `isDoubtful`: the store may have the chunks already, from a call that was not answered. */
export async function appendResending(
  store: Store,
  clock: Clock,
  drafts: readonly ChunkDraft[],
  options: { readonly atomic?: boolean } = {},
  isDoubtful = false,
): Promise<readonly AppendResult[]> {
  let unknown = isDoubtful
  for (let resends = 0; ; resends += 1) {
    try {
      return await store.append(drafts, options)
    } catch (error) {
      unknown ||= isUnknownOutcome(error)
      if (!unknown) throw asStoreError(error)
      if (resends === RESENDS_MAX) throw stillUnknown(error)
      await clock.sleep(Math.min(RESEND_DELAY_MS * 2 ** resends, RESEND_DELAY_MS_MAX))
    }
  }
}

export function asStoreError(error: unknown): SpillwayError {
  if (isSpillwayError(error)) return error
  return new SpillwayError('store_unavailable', 'The store failed and nothing was stored; try again later.', {
    cause: error,
  })
}

function stillUnknown(cause: unknown): SpillwayError {
  return new SpillwayError(
    'store_unavailable',
    'The store did not say whether the command was stored; submit it again with an idempotency key, which makes the repeat harmless.',
    {
      details: { outcome: 'unknown' },
      cause,
    },
  )
}
