// The answer to many commands: totals, and one entry per command that says what became of it.

import type { BulkVerdict } from './bulk-submit.js'
import { problemOf } from './problem.js'

export interface Totals {
  accepted: number
  duplicates: number
  rejected: number
}

export const noTotals = (): Totals => ({ accepted: 0, duplicates: 0, rejected: 0 })

export function addVerdict(totals: Totals, verdict: BulkVerdict): void {
  if (!verdict.ok) totals.rejected += 1
  else if (verdict.receipt.status === 'duplicate') totals.duplicates += 1
  else totals.accepted += 1
}

/** `line` is the place in a stream, from 1. Ids need no escaping, so the common case is put together by hand. */
export function verdictJson(index: number, verdict: BulkVerdict, line?: number): string {
  const place = line === undefined ? `{"index":${index}` : `{"index":${index},"line":${line}`
  return verdict.ok
    ? `${place},"status":"${verdict.receipt.status}","id":"${verdict.receipt.id}"}`
    : `${place},"status":"rejected","error":${JSON.stringify(problemOf(verdict.error))}}`
}

/** Members of the totals, without braces, so that others can stand beside them. */
export function totalsJson({ accepted, duplicates, rejected }: Totals): string {
  return `"errors":${rejected > 0},"accepted":${accepted},"duplicates":${duplicates},"rejected":${rejected}`
}

export function bulkResultJson(verdicts: readonly BulkVerdict[]): {
  readonly json: string
  readonly totals: Totals
} {
  const totals = noTotals()
  const items = verdicts.map((verdict, index) => {
    addVerdict(totals, verdict)
    return verdictJson(index, verdict)
  })
  return { json: `{${totalsJson(totals)},"items":[${items.join(',')}]}`, totals }
}
