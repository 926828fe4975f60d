import { describe, expect, it } from 'vitest'
import { chunkIdTime, parseCommandId } from '../domain/index.js'
import { createChunkIds } from './chunk-ids.js'
import { systemRandom } from './system-random.js'

describe('createChunkIds', () => {
  it('makes UUIDv7 ids of 32 hex digits that tell the time', () => {
    const id = createChunkIds({ now: () => 1_700_000_000_123.75 }, systemRandom)()
    expect(id).toMatch(/^[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}$/)
    expect(chunkIdTime(id)).toBe(1_700_000_000_123)
    expect(parseCommandId(`${id}-0`)).toEqual({ chunkId: id, index: 0 })
  })

  it('makes ever larger ids within one millisecond and when the clock goes back, even by a day', () => {
    const times = [
      ...Array(500).fill(1_700_000_000_000),
      ...Array(500).fill(1_699_999_999_000),
      1_699_900_000_000,
      1_700_000_000_001,
    ]
    const newChunkId = createChunkIds({ now: () => times.shift() as number }, systemRandom)
    const ids = Array.from({ length: times.length }, newChunkId)
    expect([...ids].sort()).toEqual(ids)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('repeats itself when time and chance do', () => {
    const ids = (): string[] =>
      Array.from(
        { length: 5 },
        createChunkIds({ now: () => 1 }, () => 0.25),
      )
    expect(ids()).toEqual(ids())
  })
})

describe('systemRandom', () => {
  it('stays in [0, 1) and does not repeat a block', () => {
    const values = Array.from({ length: 5_000 }, systemRandom)
    expect(values.every((value) => value >= 0 && value < 1)).toBe(true)
    expect(new Set(values).size).toBeGreaterThan(4_900)
  })
})
