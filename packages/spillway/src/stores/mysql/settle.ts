// Settling and prolonging leases. Every write compares (chunk, token) first. Chunks whose commands all simply succeeded, the common
// case, are settled together by one update in one round trip, which is undone if it found fewer than it should have.

import type { ChunkDraft, LeaseProgress, LeaseRef, LeaseVerdict, Settlement } from '../../domain/index.js'
import { FINISH } from './chunks.js'
import { isDuplicateEntry } from './errors.js'
import { storeFollowing } from './following.js'
import { holdChunks } from './held-chunk.js'
import { HeldWrites } from './held-writes.js'
import { CHUNKS_BY_ID } from './indexes.js'
import type { LeasedChunks } from './leased-chunks.js'
import type { QueueNames } from './queue-names.js'
import type { Session } from './session.js'
import { integer, text, textList } from './sql-text.js'
import { Stopped, stopUnlessChanged } from './stops.js'
import { Hints, type Wake } from './wake.js'

/** What settling needs of an open store. */
export interface Settling {
  readonly session: Session
  readonly queueNames: QueueNames
  readonly leased: LeasedChunks
}

export async function settle(
  { session, queueNames, leased }: Settling,
  wake: Wake,
  items: readonly Settlement[],
): Promise<LeaseVerdict[]> {
  const simple = items.filter(({ chunkId }) => leased.takeSimple(chunkId)).length === items.length
  if (simple && items.every(succeededSimply) && (await finishAtOnce(session, items))) {
    return items.map(() => 'ok')
  }
  await nameQueues(session, queueNames, items)
  return withHeld(session, wake, items, (writes, item) => writes.settle(item))
}

export async function extend(
  { session, queueNames }: Settling,
  wake: Wake,
  items: readonly LeaseProgress[],
  leaseMs: number,
): Promise<LeaseVerdict[]> {
  await nameQueues(session, queueNames, items)
  return withHeld(session, wake, items, (writes, item) => writes.extend(item, leaseMs))
}

/** Before the transaction: while it holds a connection, it should not wait for another. */
async function nameQueues(
  session: Session,
  queueNames: QueueNames,
  items: readonly { readonly appends?: readonly ChunkDraft[] }[],
): Promise<void> {
  const following = items.flatMap(({ appends }) => appends ?? [])
  if (following.length > 0) await queueNames.store(session, following)
}

async function withHeld<Item extends LeaseRef>(
  session: Session,
  wake: Wake,
  items: readonly Item[],
  write: (writes: HeldWrites, item: Item) => LeaseVerdict,
): Promise<LeaseVerdict[]> {
  if (items.length === 0) return []
  const { verdicts, hints } = await session.transaction(async (transaction) => {
    const given = new Hints()
    const writes = new HeldWrites(await holdChunks(transaction, items, session.now()), given)
    const found = items.map((item) => write(writes, item))
    const following = await storeFollowing(transaction, writes.following, session.now(), given)
    await transaction.finish([...writes.statements(), ...following])
    return { verdicts: found, hints: given }
  })
  wake.give(hints)
  return verdicts
}

function succeededSimply({ complete, updates, appends }: Settlement): boolean {
  return complete && updates.length === 0 && (appends === undefined || appends.length === 0)
}

/** False, and nothing done, when one is not held any more, was promoted or belongs to a partition, or is named twice. */
async function finishAtOnce(session: Session, items: readonly Settlement[]): Promise<boolean> {
  if (items.length === 0) return true
  const now = session.now()
  const ids = textList(items.map(({ chunkId }) => chunkId).sort())
  const pairs = items.map(({ chunkId, token }) => `(${text(chunkId)}, ${integer(token)})`)
  try {
    await session.transaction(async (transaction) => {
      try {
        await transaction.finish([
          `update ${CHUNKS_BY_ID} set ${FINISH}, ended_at = greatest(ended_at, ${now}) where id in ${ids} and (id, token) in (${pairs.join(', ')}) and state = 'leased' and promoted = 0 and partition_no is null`,
          stopUnlessChanged(items.length),
        ])
      } catch (error) {
        throw isDuplicateEntry(error) ? new Stopped() : error
      }
    })
    return true
  } catch (error) {
    if (error instanceof Stopped) return false
    throw error
  }
}
