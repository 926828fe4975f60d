// What became of a verb on several commands: one row each, and an exit code for all of them.

import type { ControlVerdict } from '../ports/index.js'
import { EXIT, type ExitCode } from './exit-codes.js'
import { jsonLine } from './printable.js'
import { writeTable } from './table.js'
import type { Output } from './terminal.js'

export interface VerdictRow {
  readonly id: string
  /** The state it led to, or why it did not. */
  readonly verdict: string
}

export function verdictRows(
  ids: readonly string[],
  verdicts: readonly ControlVerdict[],
  done: string,
): VerdictRow[] {
  return ids.map((id, at) => {
    const verdict = verdicts[at] ?? 'not_found'
    return { id, verdict: verdict === 'ok' ? done : verdict }
  })
}

export function writeVerdicts(output: Output, rows: readonly VerdictRow[], json: boolean): void {
  if (json) for (const row of rows) output.line(jsonLine(row))
  else if (rows.length > 0) {
    writeTable(
      output,
      [
        { heading: 'id', cell: ({ id }) => id },
        { heading: 'verdict', cell: ({ verdict }) => verdict },
      ],
      rows,
    )
  }
}

export function exitCodeOfVerdicts(verdicts: readonly ControlVerdict[]): ExitCode {
  return verdicts.every((verdict) => verdict === 'ok') ? EXIT.ok : EXIT.notFoundOrConflict
}
