import { describe, expect, it } from 'vitest'
import { readOptions, UsageError } from './options.js'
import { SECTION_NAMES } from './sections/section-names.js'

describe('the command line', () => {
  it('runs every section with every side by default', () => {
    expect(readOptions([])).toMatchObject({ only: SECTION_NAMES, sides: null, quick: false, rounds: 3 })
  })

  it('takes sections, sides and sizes', () => {
    const args =
      '--only idle --only submits --side bullmq --rounds 7 --seconds 0.5 --backlog 10 --bulk-callers 4'
    expect(readOptions(args.split(' '))).toMatchObject({
      only: ['idle', 'submits'],
      sides: new Set(['bullmq']),
      rounds: 7,
      seconds: 0.5,
      backlog: 10,
      bulkCallers: 4,
    })
  })

  it('makes a quick run short, and leaves what was said as it was said', () => {
    expect(readOptions(['--quick', '--seconds', '2'])).toMatchObject({ quick: true, rounds: 1, seconds: 2 })
  })

  it('answers null when help was asked for', () => {
    expect(readOptions(['--help'])).toBeNull()
  })

  it.each([
    [['--only', 'everything'], /^--only: expected one of submits, /],
    [['--side', 'sqs'], /^--side: expected one of spillway, /],
    [['--rounds', '0'], /^--rounds: expected a number above 0/],
    [['--seconds', 'long'], /^--seconds: expected a number above 0/],
    [['--fast'], /--fast/],
  ])('refuses %j and says which part', (args, message) => {
    expect(() => readOptions(args)).toThrow(UsageError)
    expect(() => readOptions(args)).toThrow(message)
  })
})
