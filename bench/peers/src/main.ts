#!/usr/bin/env node
// The comparison: starts the servers, runs the sections one after the other, prints tables, ratios and which targets were met,
// and writes everything as JSON. A missed target is a result, not a failure of the run.

import { sectionText, summaryLine } from 'spillway-bench/report'
import { makeBed } from './bed.js'
import { describeMachine, machineText } from './machine.js'
import { type Options, readOptions, USAGE, UsageError } from './options.js'
import { publishedSettings, settingsText } from './published-settings.js'
import { writeResults } from './results-file.js'
import { SECTIONS } from './sections/index.js'
import type { SectionResult } from './sections/section.js'

const CLEAR_LINE = '\r\x1b[2K'

async function compare(options: Options): Promise<void> {
  const out = options.json ? process.stderr : process.stdout
  const measuredAt = new Date()
  const bed = makeBed()
  const stop = () => void bed.stop().finally(() => process.exit(130))
  process.once('SIGINT', stop).once('SIGTERM', stop)
  try {
    const machine = await describeMachine(bed)
    out.write(`${machineText(machine)}\n${cautionText(options)}\n`)
    const sections: Record<string, SectionResult> = {}
    for (const name of options.only) {
      const say = (text: string) => showProgress(`${name}, ${text}`)
      const result = await SECTIONS[name]({ ...options, bed, say })
      clearProgress()
      sections[name] = result
      out.write(`${sectionText(result)}\n`)
    }
    const settings = await publishedSettings(options.sides)
    const { quick, rounds, seconds, bulkCallers } = options
    const json = JSON.stringify(
      { measuredAt, quick, rounds, seconds, bulkCallers, machine, settings, sections },
      null,
      2,
    )
    out.write(`${settingsText(settings)}\n`)
    out.write(
      `${summaryLine(Object.values(sections))}. Figures: bench/peers/${writeResults(measuredAt, `${json}\n`)}\n`,
    )
    if (options.json) process.stdout.write(`${json}\n`)
  } finally {
    await bed.stop()
  }
}

function cautionText({ quick, rounds, seconds, bulkCallers }: Options): string {
  const limit = `The bulk limit is written by ${bulkCallers} connections at once.\n`
  if (quick) return `Quick run: one short round. Not to be quoted.\n${limit}`
  return `${rounds} rounds in turns, medians; a timed load takes about ${seconds} s.\n${limit}`
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
  await compare(options)
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
