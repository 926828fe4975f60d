// The ledger as a table, and the one line that says whether it is in order.

import type { RunResult } from './run.js'

type Row = readonly [what: string, value: (result: RunResult) => number, remark: string]

const ROWS: readonly Row[] = [
  ['letters ordered', ({ letters }) => letters, ''],
  ['issued', ({ issued }) => issued, 'printed, says the post office'],
  ['refused + refunded', ({ refusedAndRefunded }) => refusedAndRefunded, 'a business no, at once or later'],
  ['given up + refunded', ({ givenUpAndRefunded }) => givenUpAndRefunded, 'all attempts failed'],
  ['taken back', ({ takenBack }) => takenBack, 'of both: printed, then refunded'],
  ['dead', ({ dead }) => dead, ''],
  ['called back', ({ calledBack }) => calledBack, 'signature verified, one id each'],
  ['callbacks sent', ({ callbacks }) => callbacks, 'repeats included'],
  ['reconciled', ({ reconciled }) => reconciled, 'found issued when nobody knew'],
  ['pending completed', ({ pendingCompleted }) => pendingCompleted, 'answered later, by HTTP'],
  ['answers too late', ({ answersTooLate }) => answersTooLate, 'or second ones: without effect'],
  ['retries', ({ retries }) => retries, 'executions beyond the first'],
  ['post office down', ({ postOfficeOutages }) => postOfficeOutages, 'times'],
  ['workers killed', ({ workerKills }) => workerKills, 'by SIGKILL'],
  ['printed twice', ({ duplicates }) => duplicates, ''],
]

export function ledgerTable(result: RunResult): string {
  const rows = ROWS.map(([what, value, remark]) => [what, value(result).toLocaleString('en-US'), remark])
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows
    .map(([what = '', value = '', remark = '']) =>
      `  ${what.padEnd(widths[0] ?? 0)}  ${value.padStart(widths[1] ?? 0)}  ${remark}`.trimEnd(),
    )
    .join('\n')
}

export function verdictLine({ faults, letters, seconds }: RunResult): string {
  const all = letters.toLocaleString('en-US')
  if (faults.length === 0)
    return `In order: each of ${all} letters issued exactly once or refunded, and called back (${seconds.toFixed(1)} s).`
  return `NOT in order:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`
}
