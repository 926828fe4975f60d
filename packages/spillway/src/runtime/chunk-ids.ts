// Ids of chunks: UUIDv7 (RFC 9562) as 32 hex digits, strictly increasing within one source. When the clock goes back,
// the source stays at the latest time it has seen: an order that holds is worth more than an id that tells the exact time.

import { V7Generator } from 'uuidv7'
import { SpillwayError } from '../errors/index.js'
import type { Clock, NewChunkId, Random } from '../ports/index.js'

const WORD_RANGE = 2 ** 32
/** The largest step back that may be bridged, in ms: all of a UUIDv7's 48 bits of time. */
const ROLLBACK_MS_MAX = 2 ** 48 - 1

export function createChunkIds(clock: Pick<Clock, 'now'>, random: Random): NewChunkId {
  const generator = new V7Generator({ nextUint32: () => Math.floor(random() * WORD_RANGE) })
  generator.setRollbackAllowance(ROLLBACK_MS_MAX)
  return () => {
    const id = generator.generateOrAbortWithTs(Math.trunc(clock.now()))
    if (id === undefined)
      throw new SpillwayError('internal', 'The source of chunk ids lost its order; restart the process.')
    // Not id.toHex(): that text is a tree of concatenations, ten times as large in memory while it lives.
    return Buffer.from(id.bytes.buffer, id.bytes.byteOffset, id.bytes.length).toString('hex')
  }
}
