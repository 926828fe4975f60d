// Chance that repeats itself: sfc32 (Doty-Humphrey, PractRand), seeded through splitmix32 so that seeds 1, 2, 3 ...
// start far apart.

import type { Random } from '../ports/index.js'

const WARM_UP_ROUNDS = 12

/** Numbers in [0, 1) that depend on nothing but `seed`. */
export function seededRandom(seed: number): Random {
  const word = splitmix32(seed)
  let a = word()
  let b = word()
  let c = word()
  let counter = 1
  const next = (): number => {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    return (sum >>> 0) / 2 ** 32
  }
  for (let round = 0; round < WARM_UP_ROUNDS; round += 1) next()
  return next
}

function splitmix32(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x9e3779b9) | 0
    let mixed = state ^ (state >>> 16)
    mixed = Math.imul(mixed, 0x21f0aaad)
    mixed ^= mixed >>> 15
    mixed = Math.imul(mixed, 0x735a2d97)
    return mixed ^ (mixed >>> 15)
  }
}
