import { describe, expect, it } from 'vitest'
import { partitionOf } from './partition.js'

describe('partitionOf', () => {
  it('never changes for a key: commands that are stored depend on it', () => {
    const keys = ['', 'a', 'student-1', 'student-2', 'ü', '日本', 'x'.repeat(255)]
    expect(keys.map((key) => partitionOf(key, 64))).toEqual([11, 39, 32, 39, 32, 41, 0])
  })

  it('spreads similar keys evenly', () => {
    const counts = new Array<number>(64).fill(0)
    for (let index = 0; index < 64_000; index += 1) counts[partitionOf(`student-${index}`, 64)]! += 1
    expect(Math.min(...counts)).toBeGreaterThan(850)
    expect(Math.max(...counts)).toBeLessThan(1_150)
  })

  it('stays within any number of partitions', () => {
    for (const partitions of [1, 2, 7, 65_536]) {
      for (let index = 0; index < 500; index += 1) {
        const partition = partitionOf(`k${index}`, partitions)
        expect(Number.isInteger(partition) && partition >= 0 && partition < partitions).toBe(true)
      }
    }
  })
})
