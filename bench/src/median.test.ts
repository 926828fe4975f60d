import { expect, test } from 'vitest'
import { median, mediansOf } from './median.js'

test('the median is the middle one, or the mean of the middle two', () => {
  expect(median([9, 1, 5])).toBe(5)
  expect(median([4, 1, 3, 2])).toBe(2.5)
  expect(median([7])).toBe(7)
})

test('every figure has a median of its own', () => {
  const rounds = [
    { rate: 1, ms: 30 },
    { rate: 3, ms: 10 },
    { rate: 2, ms: 20 },
  ]
  expect(mediansOf(rounds)).toEqual({ rate: 2, ms: 20 })
})
