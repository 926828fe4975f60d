import { describe, expect, it } from 'vitest'
import { summarize } from './test-summary.mjs'

const GREEN = {
  success: true,
  numPassedTests: 5,
  numFailedTests: 0,
  numPendingTests: 1,
  numTodoTests: 1,
  testResults: [{ status: 'passed', assertionResults: [{ status: 'passed' }] }],
}

describe('the summary of a check', () => {
  it('adds up the runs', () => {
    expect(summarize([GREEN, GREEN], true)).toEqual({ passed: 10, failed: 0, skipped: 4 })
  })

  it('counts failed tests', () => {
    const red = { ...GREEN, success: false, numFailedTests: 2 }
    expect(summarize([red], false)).toEqual({ passed: 5, failed: 2, skipped: 2 })
  })

  it('counts a test file that does not load as a failure', () => {
    const broken = {
      ...GREEN,
      success: false,
      testResults: [...GREEN.testResults, { status: 'failed', assertionResults: [] }],
    }
    expect(summarize([broken], false)).toEqual({ passed: 5, failed: 1, skipped: 2 })
  })

  it('never reports zero failures when the check failed or left no report', () => {
    expect(summarize([undefined], false)).toEqual({ passed: 0, failed: 1, skipped: 0 })
    expect(summarize([undefined], true).failed).toBe(1)
    expect(summarize([], true).failed).toBe(1)
    expect(summarize([GREEN], false).failed).toBe(1)
  })
})
