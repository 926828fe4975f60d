import { describe, expect, it } from 'vitest'
import { duration, portNumber, time, wholeNumber } from './numbers.js'

describe('what is typed', () => {
  it('is a whole number within its bounds', () => {
    expect(wholeNumber('--limit', '50', 1, 100)).toBe(50)
    expect(wholeNumber('--priority', '-5', -100, 100)).toBe(-5)
    for (const text of ['0', '101', '1.5', '1e1', '', 'ten', ' 5', '0x10', '99999999999999999999']) {
      expect(() => wholeNumber('--limit', text, 1, 100)).toThrow('--limit takes a whole number from 1 to 100')
    }
    expect(portNumber('--port', '0')).toBe(0)
    expect(() => portNumber('--port', '65536')).toThrow('65535')
  })

  it('is a duration with a unit, or milliseconds', () => {
    expect([duration('--wait', '250'), duration('--wait', '5s'), duration('--wait', '1.5m')]).toEqual([
      250, 5_000, 90_000,
    ])
    for (const text of ['', '-1s', '5 parsecs', 'NaN'])
      expect(() => duration('--wait', text)).toThrow('--wait takes a duration')
  })

  it('is a time that says its zone, because two machines would read it differently otherwise', () => {
    expect(time('--run-at', '2030-01-31T08:00:00Z')).toBe(Date.UTC(2030, 0, 31, 8))
    expect(time('--run-at', '2030-01-31T08:00+02:00')).toBe(Date.UTC(2030, 0, 31, 6))
    expect(time('--run-at', '1900000000000')).toBe(1_900_000_000_000)
    for (const text of ['2030-01-31', '2030-01-31T08:00:00', 'tomorrow', '12', '2030-99-31T08:00:00Z']) {
      expect(() => time('--run-at', text)).toThrow('with its zone')
    }
  })
})
