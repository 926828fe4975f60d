#!/usr/bin/env node
// Prints `N passed, N failed, N skipped` from the JSON reports of the test runs it is given, followed by
// nothing. No usable report, or a failed run that blames no test, counts as one failure, never as zero.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/**
 * @typedef {{ passed: number, failed: number, skipped: number }} Counts
 * @typedef {object} Report What Vitest's JSON reporter writes, as far as it is used here.
 * @property {boolean} success
 * @property {number} numPassedTests
 * @property {number} numFailedTests
 * @property {number} numPendingTests
 * @property {number} numTodoTests
 * @property {{ status: string, assertionResults: { status: string }[] }[]} testResults
 */

/**
 * @param {Report} report
 * @returns {Counts}
 */
function countsOf(report) {
  // A file that does not even load has no failed test inside.
  const brokenFiles = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((result) => result.status === 'failed'),
  )
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + brokenFiles.length,
    skipped: report.numPendingTests + report.numTodoTests,
  }
}

/**
 * @param {(Report | undefined)[]} reports One per run, undefined when the run left none.
 * @param {boolean} checkPassed
 * @returns {Counts}
 */
export function summarize(reports, checkPassed) {
  const total = { passed: 0, failed: 0, skipped: 0 }
  for (const report of reports) {
    const counts = report === undefined ? { passed: 0, failed: 0, skipped: 0 } : countsOf(report)
    total.passed += counts.passed
    total.failed += counts.failed
    total.skipped += counts.skipped
  }
  const isGreen = checkPassed && reports.length > 0 && reports.every((report) => report?.success === true)
  if (!isGreen && total.failed === 0) total.failed = 1
  return total
}

/**
 * @param {string} path
 * @returns {Report | undefined}
 */
function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [checkStatus, ...paths] = process.argv.slice(2)
  const { passed, failed, skipped } = summarize(paths.map(readReport), checkStatus === '0')
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
  process.exitCode = failed === 0 ? 0 : 1
}
