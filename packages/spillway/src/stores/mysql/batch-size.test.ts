import { describe, expect, it } from 'vitest'
import { newBatchSize } from './batch-size.js'

describe('a batch size', () => {
  it('is what is wanted while all goes well', () => {
    const size = newBatchSize()
    expect(size.of(1_000)).toBe(1_000)
    size.grow()
    expect([size.of(5), size.of(10_000), size.of(0), size.of(2.9)]).toEqual([5, 10_000, 1, 2])
  })

  it('is halved each time it was too much, down to one', () => {
    const size = newBatchSize()
    const sizes: number[] = []
    while (size.shrink(100)) sizes.push(size.of(100))
    expect(sizes).toEqual([50, 25, 12, 6, 3, 1])
    expect(size.shrink(100)).toBe(false)
    expect(size.of(100)).toBe(1)
  })

  it('is halved from what was asked for, when that was less than it allows', () => {
    const size = newBatchSize()
    size.shrink(1_000)
    size.shrink(10)
    expect(size.of(1_000)).toBe(5)
  })

  it('grows back step by step, and not at once', () => {
    const size = newBatchSize()
    for (let times = 0; times < 3; times += 1) size.shrink(800)
    const sizes = Array.from({ length: 16 }, () => {
      size.grow()
      return size.of(800)
    })
    expect(sizes).toEqual([100, 100, 100, 200, 200, 200, 200, 400, 400, 400, 400, 800, 800, 800, 800, 800])
  })

  it('waits for calm again after every setback', () => {
    const size = newBatchSize()
    size.shrink(800)
    for (let times = 0; times < 3; times += 1) size.grow()
    size.shrink(800)
    for (let times = 0; times < 3; times += 1) size.grow()
    expect(size.of(800)).toBe(200)
    size.grow()
    expect(size.of(800)).toBe(400)
  })
})
