import { describe, expect, it } from 'vitest'
import { isLoopbackHost } from './loopback.js'

describe('isLoopbackHost', () => {
  it.each(['localhost', 'LOCALHOST', '127.0.0.1', '127.9.9.9', '::1', '[::1]', '::ffff:127.0.0.1'])(
    'knows %s',
    (host) => {
      expect(isLoopbackHost(host)).toBe(true)
    },
  )

  it.each([
    '0.0.0.0',
    '::',
    '',
    '10.0.0.1',
    '192.168.1.1',
    'example.com',
    'localhost.example.com',
    '127.1',
    '0x7f000001',
    '2130706433',
    '::ffff:10.0.0.1',
  ])('does not trust %j', (host) => {
    expect(isLoopbackHost(host)).toBe(false)
  })
})
