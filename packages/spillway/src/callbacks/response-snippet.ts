// The beginning of an answer's body, for the people who look at a failed delivery. At most so many bytes are read before the
// connection is dropped, and nothing is decompressed: what a stranger sends costs what it weighs.

import { RESPONSE_BYTES_MAX, SNIPPET_BYTES_MAX } from './limits.js'

/** Control, format (bidirectional overrides included), private and unassigned characters, and all kinds of white space. */
const UNPRINTABLE = /[\p{C}\p{Z}]+/gu

export interface ReadBody {
  readonly snippet: string
  readonly cut: 'size' | 'time' | 'broken' | null
}

/** Reads `body` until it ends, has been too long, breaks off, or `signal` aborts, which must destroy it. Never rejects. */
export async function readSnippet(body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<ReadBody> {
  const kept: Uint8Array[] = []
  let bytes = 0
  let cut: ReadBody['cut'] = null
  try {
    for await (const chunk of body) {
      if (bytes < SNIPPET_BYTES_MAX) kept.push(chunk.subarray(0, SNIPPET_BYTES_MAX - bytes))
      bytes += chunk.length
      if (bytes > RESPONSE_BYTES_MAX) {
        cut = 'size'
        break
      }
    }
  } catch {
    cut = signal.aborted ? 'time' : 'broken'
  }
  return { snippet: printable(Buffer.concat(kept)), cut }
}

function printable(bytes: Uint8Array): string {
  // `stream` leaves out a last character of which only a part is there.
  return new TextDecoder().decode(bytes, { stream: true }).replace(UNPRINTABLE, ' ').trim()
}
