// Settling and prolonging leases. Every write compares (chunk, token) first. Chunks whose commands all simply succeeded, the common
// case, are settled together by one update in one round trip, which is undone if it found fewer than it should have.

import type { LeaseProgress, LeaseRef, LeaseVerdict, Settlement } from '../../domain/index.js'
import { FINISH } from './chunks.js'
import { isDuplicateEntry } from './errors.js'
import { holdChunks } from './held-chunk.js'
import { HeldWrites } from './held-writes.js'
import { CHUNKS_BY_ID } from './indexes.js'
import type { LeasedChunks } from './leased-chunks.js'
import type { Session } from './session.js'
import { integer, text, textList } from './sql-text.js'
import { Stopped, stopUnlessChanged } from './stops.js'
import { Hints, type Wake } from './wake.js'

export async function settle(
  session: Session,
  wake: Wake,
  items: readonly Settlement[],
  leased: LeasedChunks,
): Promise<LeaseVerdict[]> {
  const simple = items.filter(({ chunkId }) => leased.takeSimple(chunkId)).length === items.length
  if (simple && items.every(succeededSimply) && (await finishAtOnce(session, items))) {
    return items.map(() => 'ok')
  }
  return withHeld(session, wake, items, (writes, item) => writes.settle(item))
}

export function extend(
  session: Session,
  wake: Wake,
  items: readonly LeaseProgress[],
  leaseMs: number,
): Promise<LeaseVerdict[]> {
  return withHeld(session, wake, items, (writes, item) => writes.extend(item, leaseMs))
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
    await transaction.finish(writes.statements())
    return { verdicts: found, hints: given }
  })
  wake.give(hints)
  return verdicts
}

function succeededSimply({ complete, updates }: Settlement): boolean {
  return complete && updates.length === 0
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
