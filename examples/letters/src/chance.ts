// Chance that can be repeated: what happens to an order follows from the seed and its number, not from when or how often it
// is asked about.

import { createHash } from 'node:crypto'

/** In [0, 1). `about` keeps the questions about one order apart. */
export function chance(seed: number, about: string, orderId: string): number {
  const digest = createHash('sha256').update(`${seed}:${about}:${orderId}`).digest()
  return digest.readUInt32BE(0) / 2 ** 32
}
