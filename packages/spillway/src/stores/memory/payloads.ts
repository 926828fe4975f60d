// Payloads of single commands, cut out of the body of the chunk they were submitted in.

import { decodeBody } from '../../domain/index.js'
import type { ChunkRecord, RowRecord } from './records.js'

/** JSON text of a row's payload; a chunk's body is decoded once however many of its commands are asked for. */
export function payloadReader(): (row: Pick<RowRecord, 'origin' | 'index' | 'payload'>) => string {
  const decoded = new Map<ChunkRecord, unknown[]>()
  return ({ origin, index, payload }) => {
    if (payload !== null) return payload
    let payloads = decoded.get(origin)
    if (payloads === undefined) {
      payloads = decodeBody(origin.body, origin.size)
      decoded.set(origin, payloads)
    }
    return JSON.stringify(payloads[index])
  }
}
