// What a broker sends, handed on by whole responses. The client keeps the beginning of a response that was cut off and takes what the next
// connection brings for its end: from then on it reads numbers where there are none, and throws where nobody can catch it.
// https://kafka.apache.org/protocol#protocol_common

import type { Socket } from 'node:net'

/** The size of a response stands before it. */
const SIZE_BYTES = 4
/** No broker answers more at once than it was asked for; what speaks another protocol "announces" more than this. */
const RESPONSE_BYTES_MAX = 256 * 1024 * 1024

type OnData = (data: Buffer) => void

/** The same socket, whose listeners of 'data' are given whole responses from now on. */
export function inWholeResponses(socket: Socket): Socket {
  const on = socket.on.bind(socket) as (event: string, listener: OnData) => Socket
  const refuse = (why: string) => socket.destroy(new Error(why))
  socket.on = ((event: string, listener: OnData) =>
    on(event, event === 'data' ? byWholeResponses(listener, refuse) : listener)) as Socket['on']
  return socket
}

/** `refuse`: what comes is no response of Kafka's. */
export function byWholeResponses(give: OnData, refuse: (why: string) => void): OnData {
  let held: Buffer[] = []
  let bytes = 0
  let needed = SIZE_BYTES

  return (data) => {
    held.push(data)
    bytes += data.length
    if (bytes < needed) return
    const all = held.length === 1 ? data : Buffer.concat(held, bytes)
    const { end, next } = endOfLast(all)
    held = end < all.length ? [all.subarray(end)] : []
    bytes = all.length - end
    needed = next
    if (end > 0) give(all.subarray(0, end))
    if (next > SIZE_BYTES + RESPONSE_BYTES_MAX) {
      held = []
      refuse('what answers is not a Kafka broker')
    }
  }
}

/** Where the last whole response ends, and how many bytes the one after it has, as far as that is known. */
function endOfLast(all: Buffer): { readonly end: number; readonly next: number } {
  let end = 0
  while (all.length - end >= SIZE_BYTES) {
    // Unsigned: a size below zero is as wrong as one that is far too large.
    const next = SIZE_BYTES + all.readUInt32BE(end)
    if (all.length - end < next) return { end, next }
    end += next
  }
  return { end, next: SIZE_BYTES }
}
