import { describe, expect, it } from 'vitest'
import { isAtLeast } from './version.js'

describe('isAtLeast', () => {
  it.each([
    ['7.2', [7, 2], true],
    ['7.10.1', [7, 2], true],
    ['6.9', [7, 2], false],
    ['8', [7, 2], true],
    ['7', [7, 2], false],
    ['2.10.24', [2, 10, 25], false],
    ['2.10.25', [2, 10, 25], true],
    ['2.10.26-beta.1', [2, 10, 25], true],
    ['2.11.0-dev', [2, 10, 25], true],
    ['unknown', [2, 10, 25], false],
  ])('%s, %j: %s', (version, wanted, is) => {
    expect(isAtLeast(version, wanted)).toBe(is)
  })
})
