// Writing commands in the caller's own transaction. Nothing is resent, because a transaction whose outcome is unknown is the
// caller's to repeat, and nothing counts as committed, because whether it commits is not told here.

import { SpillwayError } from '../errors/index.js'
import type { OfferVerdict, PreparedCommand, WithinTransaction } from '../ports/index.js'
import { answerAtomic, answerChunks, appendChunks, chunksOf, collect } from './append-chunks.js'
import { asStoreError } from './append-resending.js'
import type { ChannelContext } from './channel-context.js'
import type { Offer } from './offer.js'

export async function appendWithin(
  context: ChannelContext,
  commands: readonly PreparedCommand[],
  { tx, atomic }: WithinTransaction,
): Promise<OfferVerdict[]> {
  const { store } = context
  if (!store.capabilities.transactionalAppend) throw noTransactions(store.name)
  const append = (offers: readonly Offer[]) =>
    appendChunks(context, chunksOf(context, offers), async (drafts) => {
      try {
        return await store.append(drafts, { tx, atomic })
      } catch (error) {
        throw asStoreError(error)
      }
    })
  if (atomic) return answerAtomic(commands, 'transaction', append)
  const { offers, verdicts } = collect(commands)
  answerChunks(await append(offers), 'transaction')
  return verdicts
}

function noTransactions(store: string): SpillwayError {
  return new SpillwayError(
    'unsupported',
    `The ${store} store cannot write in a transaction of yours: use the PostgreSQL or MySQL store on your own database, or submit without tx once your transaction has committed.`,
    { details: { store } },
  )
}
