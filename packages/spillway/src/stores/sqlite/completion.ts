// The counterpart's answer to a pending command. Of several that wait for one token the newest is meant.

import type { CompletionVerdict, TokenCompletion } from '../../ports/index.js'
import type { SqliteTx } from './client.js'
import type { Hints } from './hints.js'
import { prepareParked } from './parked.js'
import { type Before, updatedRow } from './updated-row.js'

/** Inside a write transaction. */
export type Complete = (completion: TokenCompletion, now: number, hints: Hints) => CompletionVerdict

/** The pending row that a token completes: hash ?1, time ?2. */
export const WAITING = `
from spillway_parked
where token_hash = ?1 and state = 'pending' and token_expires_at > ?2 order by seq desc, idx desc limit 1`

interface Waiting extends Omit<Before, 'chunkId' | 'index'> {
  readonly chunk_id: string
  readonly idx: number
  readonly queue: string
  readonly type: string
  readonly priority: number
  readonly partition: number | null
  /** The chunk in which it is being polled. */
  readonly carrier: number | null
}

export function prepareComplete(db: SqliteTx): Complete {
  const parked = prepareParked(db)
  const find = db.prepare(`
    select chunk_id, idx, seq, queue, type, priority, partition, carrier, accepted_at as acceptedAt, memo, stage ${WAITING}`)
  return ({ tokenHash, update }, now, hints) => {
    const waiting = find.get(tokenHash, now) as Waiting | undefined
    if (waiting === undefined) return 'not_found'
    if (waiting.carrier !== null) return 'busy'
    const { chunk_id: chunkId, idx: index, seq, acceptedAt, memo, stage } = waiting
    const { queue, type, priority, partition } = waiting
    const row = updatedRow({ chunkId, index, seq, acceptedAt, memo, stage }, update, now)
    parked.answer({ queue, type, priority, partition }, row, now)
    if (row.nextAt !== null && row.nextAt <= now) hints.add(queue, 1)
    return 'ok'
  }
}
