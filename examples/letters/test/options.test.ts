import { expect, test } from 'vitest'
import { readOptions } from '../src/options.js'
import { UsageError } from '../src/usage-error.js'

test('without flags 10,000 letters go through SQLite, and nobody is killed', () => {
  expect(readOptions([])).toEqual({ letters: 10_000, crash: false, json: false, seed: 1, store: null })
})

test('a server is named by its URL, and SQLite by its name', () => {
  expect(readOptions(['--store', 'mysql://localhost/test'])).toMatchObject({
    store: 'mysql://localhost/test',
  })
  expect(readOptions(['--store', 'sqlite'])).toMatchObject({ store: null })
})

test.each([
  [['--letters', '0'], '--letters'],
  [['--seed', 'x'], '--seed'],
  [['--store', 'redis://localhost'], '--store'],
  [['--store', 'somewhere'], '--store'],
  [['--fast'], '--fast'],
])('%j is a usage error that names the flag', (args, flag) => {
  expect(() => readOptions(args)).toThrow(UsageError)
  expect(() => readOptions(args)).toThrow(flag)
})
