import { expect, test } from 'vitest'
import { readOptions, UsageError } from './options.js'
import { SECTION_NAMES } from './sections/index.js'

test('without flags every section runs in full', () => {
  expect(readOptions([])).toEqual({ quick: false, json: false, only: SECTION_NAMES })
})

test('--only may be repeated', () => {
  expect(readOptions(['--only', 'http', '--only', 'lone', '--quick'])).toEqual({
    quick: true,
    json: false,
    only: ['http', 'lone'],
  })
})

test('an unknown section or flag is a usage error that names it', () => {
  expect(() => readOptions(['--only', 'speed'])).toThrow(UsageError)
  expect(() => readOptions(['--only', 'speed'])).toThrow("received 'speed'")
  expect(() => readOptions(['--fast'])).toThrow('--fast')
})
