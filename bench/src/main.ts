#!/usr/bin/env node
// The benchmark: runs the sections one after the other, says what was measured and which targets were met, and writes the
// figures as JSON. A missed target is a result, not a failure of the run.

import { describeMachine } from './machine.js'
import { type Options, readOptions, USAGE, UsageError } from './options.js'
import { headline, sectionText, summaryLine } from './report.js'
import { writeResults } from './results-file.js'
import { makeScratch, type Scratch } from './scratch.js'
import { SECTIONS } from './sections/index.js'
import type { SectionResult } from './sections/section.js'

const CLEAR_LINE = '\r\x1b[2K'

async function runBench(options: Options, scratch: Scratch): Promise<void> {
  const out = options.json ? process.stderr : process.stdout
  const measuredAt = new Date()
  const machine = describeMachine(scratch)
  out.write(`${headline(machine, options.quick)}\n`)
  const results: Record<string, SectionResult> = {}
  for (const name of options.only) {
    const result = await SECTIONS[name]({ quick: options.quick, scratch, say: showProgress })
    clearProgress()
    results[name] = result
    out.write(`${sectionText(result)}\n`)
  }
  const sections = Object.values(results)
  const json = JSON.stringify({ measuredAt, quick: options.quick, machine, sections: results }, null, 2)
  out.write(`${summaryLine(sections)}. Figures: bench/${writeResults(measuredAt, `${json}\n`)}\n`)
  if (options.json) process.stdout.write(`${json}\n`)
}

/** Only on a terminal. */
function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`${CLEAR_LINE}${text}`)
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write(CLEAR_LINE)
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2))
  if (options === null) {
    process.stdout.write(`${USAGE}\n`)
    return 0
  }
  const scratch = makeScratch()
  process.once('exit', () => scratch.remove())
  process.once('SIGINT', () => process.exit(130))
  process.once('SIGTERM', () => process.exit(143))
  await runBench(options, scratch)
  return 0
}

function explain(error: unknown): number {
  if (error instanceof UsageError) {
    process.stderr.write(`${error.message}\n\n${USAGE}\n`)
    return 2
  }
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  return 1
}

process.exitCode = await main().catch(explain)
