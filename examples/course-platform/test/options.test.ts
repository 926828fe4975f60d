import { expect, test } from 'vitest'
import { readOptions } from '../src/options.js'
import { UsageError } from '../src/usage-error.js'

test('without flags everything is replayed and the platform stays up on its port', () => {
  expect(readOptions([])).toEqual({
    json: false,
    exit: false,
    crash: false,
    patterns: true,
    clicks: 100_000,
    callers: 256,
    port: 8077,
    store: null,
  })
})

test('a run that ends by itself needs no fixed port', () => {
  expect(readOptions(['--exit'])?.port).toBe(0)
  expect(readOptions(['--exit', '--port', '9000'])?.port).toBe(9_000)
})

test('help is asked for with --help', () => {
  expect(readOptions(['--help'])).toBeNull()
})

test.each([
  [['--clicks', '99'], '--clicks: expected a whole number from 100 to 100000'],
  [['--clicks', '1e3'], '--clicks: expected a whole number'],
  [['--callers', '0'], '--callers: expected a whole number from 1'],
  [['--port', '70000'], '--port: expected a whole number from 0 to 65535'],
  [['--store', 'oracle://db'], '--store: expected a URL that begins with postgres:// or mysql://'],
  [['--store', 'platform.db'], '--store: expected a URL'],
  [['--fast'], "Unknown option '--fast'"],
  [['replay'], "Unexpected argument 'replay'"],
])('%j is a usage error that names the flag', (args, message) => {
  expect(() => readOptions(args)).toThrow(UsageError)
  expect(() => readOptions(args)).toThrow(message)
})
