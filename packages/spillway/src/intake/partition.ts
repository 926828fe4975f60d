// Which partition of an ordered queue a key belongs to. Every process, of every version, must answer the same, or two commands
// of one key could run at once: the function is FNV-1a over UTF-16 code units, finished as in MurmurHash3 so that the
// low bits are good enough to be taken modulo a power of two.

const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193

export function partitionOf(orderingKey: string, partitions: number): number {
  let hash = FNV_OFFSET
  for (let position = 0; position < orderingKey.length; position += 1) {
    const unit = orderingKey.charCodeAt(position)
    hash = Math.imul(hash ^ (unit & 0xff), FNV_PRIME)
    hash = Math.imul(hash ^ (unit >>> 8), FNV_PRIME)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) % partitions
}
