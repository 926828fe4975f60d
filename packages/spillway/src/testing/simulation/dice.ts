// Drawing from a seeded source of chance, in the words a workload needs.

import type { Random } from '../../ports/index.js'

export interface Dice {
  readonly random: Random
  /** A whole number, both ends included. */
  whole(min: number, max: number): number
  /** Whole milliseconds, in [min, max): fractions get lost when they are added to a time of day. */
  between(min: number, max: number): number
  chance(probability: number): boolean
  pick<T>(from: readonly T[]): T
  /** By weight; weights need not add up to one. */
  weighted<T extends string>(weights: Readonly<Record<T, number>>): T
}

export function dice(random: Random): Dice {
  return {
    random,
    whole: (min, max) => min + Math.floor(random() * (max - min + 1)),
    between: (min, max) => Math.floor(min + random() * (max - min)),
    chance: (probability) => random() < probability,
    pick: (from) => from[Math.floor(random() * from.length)] as never,
    weighted(weights) {
      const entries = Object.entries(weights) as [keyof typeof weights, number][]
      let left = random() * entries.reduce((sum, [, weight]) => sum + weight, 0)
      for (const [name, weight] of entries) {
        left -= weight
        if (left < 0) return name
      }
      return (entries.at(-1) as [keyof typeof weights, number])[0]
    },
  }
}
