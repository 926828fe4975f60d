import { expect, test } from 'vitest'
import { readOptions } from '../src/options.js'
import { UsageError } from '../src/usage-error.js'

test('without flags everything is replayed and the platform stays up on its port', () => {
  expect(readOptions([])).toEqual({
    json: false,
    exit: false,
    crash: false,
    kills: false,
    pattern: 'store',
    patterns: ['sync', 'pool', 'buffer', 'store', 'journal', 'rabbitmq', 'nats', 'kafka', 'redis'],
    clicks: 100_000,
    callers: 256,
    port: 8077,
    store: null,
    brokerUrls: new Map(),
  })
})

test('a run that ends by itself needs no fixed port', () => {
  expect(readOptions(['--exit'])?.port).toBe(0)
  expect(readOptions(['--exit', '--port', '9000'])?.port).toBe(9_000)
})

test('a pattern for the platform is the only one in the comparison, unless others are named', () => {
  expect(readOptions(['--pattern', 'journal'])).toMatchObject({ pattern: 'journal', patterns: ['journal'] })
  expect(readOptions(['--pattern', 'nats', '--patterns', 'store, nats'])).toMatchObject({
    pattern: 'nats',
    patterns: ['store', 'nats'],
  })
  expect(readOptions(['--pattern', 'redis', '--no-patterns'])).toMatchObject({
    pattern: 'redis',
    patterns: [],
  })
})

test('a URL of a broker says by its beginning whose it is', () => {
  const urls = ['amqps://mq', 'nats://n', 'kafka://k1,k2', 'redis://r:6379/1']
  const options = readOptions(urls.flatMap((url) => ['--broker-url', url]))
  expect([...(options?.brokerUrls ?? [])]).toEqual([
    ['rabbitmq', 'amqps://mq'],
    ['nats', 'nats://n'],
    ['kafka', 'kafka://k1,k2'],
    ['redis', 'redis://r:6379/1'],
  ])
})

test('a URL of no broker is refused without being shown', () => {
  const read = () => readOptions(['--broker-url', 'mqtt://me:secret-word@host'])
  expect(read).toThrow('--broker-url: expected a URL that begins with amqp://')
  expect(read).not.toThrow(/secret-word/)
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
  [['--pattern', 'pool'], '--pattern: expected one of store, journal, rabbitmq, nats, kafka, redis'],
  [['--patterns', 'store,paper'], "received 'paper'"],
  [['--fast'], "Unknown option '--fast'"],
  [['replay'], "Unexpected argument 'replay'"],
])('%j is a usage error that names the flag', (args, message) => {
  expect(() => readOptions(args)).toThrow(UsageError)
  expect(() => readOptions(args)).toThrow(message)
})
