// Payloads of single commands, cut out of the body of the chunk they were submitted in.

import { decodeBody } from '../../domain/index.js'
import type { ChunkRecord } from './records.js'

/** JSON text of a row's payload; a chunk's body is decoded once however many of its commands are asked for. */
export function payloadReader(): (row: { readonly origin: ChunkRecord; readonly index: number }) => string {
  const decoded = new Map<ChunkRecord, unknown[]>()
  return ({ origin, index }) => {
    let payloads = decoded.get(origin)
    if (payloads === undefined) {
      payloads = decodeBody(origin.body, origin.size)
      decoded.set(origin, payloads)
    }
    return JSON.stringify(payloads[index])
  }
}
