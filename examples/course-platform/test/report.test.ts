import { expect, test } from 'vitest'
import { patternTable } from '../src/report.js'

const FIGURES = { clicks: 100, acceptedPerSecond: 2_000, landedPerSecond: 1_500, ackP50Ms: 1, ackP99Ms: 20 }
const STORE = {
  ...{ ...FIGURES, pattern: 'store' as const, summary: 'durable' },
  losses: { app: { answered: 1_200, lost: 0 }, database: { answered: 40, lost: 3 } },
}

test('what was killed is shown with what it cost, and what a pattern does not have as n/a', () => {
  const [header, row] = patternTable({ callers: 8, kills: true }, { results: [STORE], missing: [] }).split(
    '\n',
  )
  expect(header).toMatch(/lost: app killed +agent killed +broker killed +database killed$/)
  expect(row).toMatch(/^store +durable.* 0 of 1,200 +n\/a +n\/a +3 of 40$/)
})

test('a pattern whose server is not installed is shown with what to do, without figures', () => {
  const missing = [
    { pattern: 'redis' as const, summary: 'stream', reason: 'run scripts/services install redis' },
  ]
  const lines = patternTable({ callers: 8, kills: true }, { results: [], missing }).split('\n')
  expect(lines.at(-1)).toMatch(/^redis +stream: run scripts\/services install redis$/)
})

test('without --kills the table names the option for what it leaves out', () => {
  const table = patternTable({ callers: 8, kills: false }, { results: [STORE], missing: [] })
  expect(table).not.toContain('agent killed')
  expect(table).toContain('--kills')
})
