// One command per line of NDJSON: several batches are on their way at once, good lines are kept whatever the bad ones are, and
// the count at the end says what became of every line.

import { createReadStream } from 'node:fs'
import { systemClock } from '../runtime/index.js'
import { type LineBatch, type LineFault, lineBatches } from './bulk-lines.js'
import type { Session } from './command.js'
import { EXIT, type ExitCode } from './exit-codes.js'
import { writeFailure } from './failure.js'
import { Interrupted } from './interruption.js'
import { jsonLine, printable } from './printable.js'
import type { Target } from './target/target.js'
import { usageError } from './usage-error.js'

const BATCHES_IN_FLIGHT_MAX = 4
/** Refused lines that are named; the others are only counted. */
const FAULTS_SHOWN_MAX = 20
const PROGRESS_EVERY_MS = 200

export interface BulkPlan {
  readonly type: string
  /** Null for standard input. */
  readonly path: string | null
  readonly json: boolean
}

interface Tally {
  lines: number
  accepted: number
  duplicates: number
  rejected: number
  readonly faults: LineFault[]
  /** What ended the run before its input did. */
  failure: { readonly error: unknown } | null
}

export async function bulkSend(session: Session, target: Target, plan: BulkPlan): Promise<ExitCode> {
  const tally: Tally = { lines: 0, accepted: 0, duplicates: 0, rejected: 0, faults: [], failure: null }
  const startedAt = systemClock.monotonic()
  const inFlight = new Set<Promise<void>>()
  let shownAt = startedAt
  try {
    for await (const batch of lineBatches(openSource(session, plan.path))) {
      if (tally.failure !== null || session.interruption.signal.aborted) break
      const sent = sendBatch(target, plan.type, batch, tally).finally(() => inFlight.delete(sent))
      inFlight.add(sent)
      if (inFlight.size >= BATCHES_IN_FLIGHT_MAX) await Promise.race(inFlight)
      if (systemClock.monotonic() - shownAt < PROGRESS_EVERY_MS) continue
      shownAt = systemClock.monotonic()
      session.terminal.progress(`${summary(tally)}, ${rate(tally, startedAt)}/s`)
    }
  } catch (error) {
    tally.failure = { error: readFault(error, plan.path) }
  }
  await Promise.all(inFlight)
  // What it tore is not a failure of its own.
  if (session.interruption.signal.aborted) tally.failure = { error: new Interrupted() }
  return report(session, tally, plan.json)
}

function openSource({ interruption }: Session, path: string | null): AsyncIterable<Buffer> {
  if (path !== null) return createReadStream(path, { signal: interruption.signal })
  const { stdin } = process
  interruption.signal.addEventListener('abort', () => stdin.destroy())
  return stdin
}

function readFault(error: unknown, path: string | null): unknown {
  const { code } = error as NodeJS.ErrnoException
  return path !== null && (code === 'ENOENT' || code === 'EACCES' || code === 'EISDIR')
    ? usageError(`The file ${path} cannot be read (${code}). Check the path behind the @.`)
    : error
}

async function sendBatch(
  target: Target,
  type: string,
  { payloads, lines, faults }: LineBatch,
  tally: Tally,
): Promise<void> {
  for (const fault of faults) refuse(tally, fault)
  tally.lines += payloads.length + faults.length
  if (payloads.length === 0) return
  try {
    const verdicts = await target.submitMany(type, payloads)
    for (const [at, verdict] of verdicts.entries()) {
      if (verdict.status === 'rejected') {
        const { code, message } = verdict.error
        refuse(tally, { line: lines[at] ?? 0, message: `${code}: ${message}` })
      } else if (verdict.status === 'accepted') tally.accepted += 1
      else tally.duplicates += 1
    }
  } catch (error) {
    tally.failure ??= { error }
  }
}

function refuse(tally: Tally, fault: LineFault): void {
  tally.rejected += 1
  if (tally.faults.length < FAULTS_SHOWN_MAX) tally.faults.push(fault)
}

function report({ terminal }: Session, tally: Tally, json: boolean): ExitCode {
  const { out, messages } = terminal
  const { failure, faults, ...counts } = tally
  // Batches are answered in any order.
  faults.sort((one, other) => one.line - other.line)
  const unknown = counts.lines - counts.accepted - counts.duplicates - counts.rejected
  if (json) out.line(jsonLine({ ...counts, unknown, errors: faults }))
  else {
    out.line(summary(tally))
    for (const { line, message } of faults) messages.line(`line ${line}: ${printable(message)}`)
    if (counts.rejected > faults.length) messages.line(`and ${counts.rejected - faults.length} more`)
  }
  if (failure !== null) {
    messages.line(
      `Stopped after ${counts.lines} lines, of which ${unknown} may or may not have been taken. ` +
        'Send everything again if your commands have idempotency keys.',
    )
    return writeFailure(messages, failure.error, json)
  }
  return counts.rejected === 0 ? EXIT.ok : EXIT.failed
}

function summary({ accepted, duplicates, rejected }: Tally): string {
  return `${accepted} accepted, ${duplicates} duplicates, ${rejected} rejected`
}

function rate({ accepted, duplicates }: Tally, startedAt: number): number {
  return Math.round(((accepted + duplicates) * 1_000) / Math.max(1, systemClock.monotonic() - startedAt))
}
