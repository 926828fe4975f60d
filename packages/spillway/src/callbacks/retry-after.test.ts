import { expect, it } from 'vitest'
import { RETRY_AFTER_MS_MAX } from './limits.js'
import { retryAfterMs } from './retry-after.js'

const NOW = Date.parse('2026-01-01T00:00:00Z')

it.each([
  ['0', 0],
  ['120', 120_000],
  [' 7 ', 7_000],
  ['Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
  ['Wed, 31 Dec 2025 23:00:00 GMT', 0],
  ['9999999999', RETRY_AFTER_MS_MAX],
  ['Fri, 01 Jan 2100 00:00:00 GMT', RETRY_AFTER_MS_MAX],
])('reads %j as %i ms', (header, ms) => {
  expect(retryAfterMs(header, NOW)).toBe(ms)
})

it.each([
  '',
  '-5',
  '1.5',
  '1e3',
  '0x10',
  'soon',
  '99999999999',
  '2026-01-01',
  'Xyz, 99 Abc 2026 00:00:00 GMT',
  undefined,
  ['1', '2'],
])('takes %j as no wish', (header) => {
  expect(retryAfterMs(header, NOW)).toBeNull()
})
