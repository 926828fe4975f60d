// Chance from the operating system. Chunk ids are unique across processes and hosts only as far as this is, so it is the
// cryptographic source, drawn in blocks because a system call per number would cost more than everything else about an id.

import { getRandomValues } from 'node:crypto'
import type { Random } from '../ports/index.js'

const BLOCK_WORDS = 1_024
const WORD_RANGE = 2 ** 32

const block = new Uint32Array(BLOCK_WORDS)
let next = BLOCK_WORDS

/** 32 random bits as a number in [0, 1). */
export const systemRandom: Random = () => {
  if (next === BLOCK_WORDS) {
    getRandomValues(block)
    next = 0
  }
  const word = block[next] as number
  next += 1
  return word / WORD_RANGE
}
