#!/usr/bin/env node
// The command: reads the options, runs the letters, prints the ledger on stdout and what happens meanwhile on stderr, and
// leaves no process and no file behind, however it ends.

import { once } from 'node:events'
import { killChildren } from './child.js'
import { type Options, readOptions, USAGE } from './options.js'
import { ledgerTable, verdictLine } from './report.js'
import { run } from './run.js'
import { RunFolder } from './run-folder.js'
import { ENGINE_NAMES, engineOf } from './stores/index.js'
import { UsageError } from './usage-error.js'

const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const

let cleanUp = async (): Promise<void> => {}

async function letters(options: Options): Promise<number> {
  const folder = new RunFolder()
  cleanUp = () => folder.remove()
  const say = (sentence: string) => void process.stderr.write(`${sentence}\n`)
  const engine = ENGINE_NAMES[engineOf(options.store ?? '')]
  say(`${options.letters.toLocaleString('en-US')} letters through a flaky post office, on ${engine}.`)
  const result = await run({ ...options, database: await folder.database(options.store), folder, say })
  const out = options.json ? process.stderr : process.stdout
  out.write(`\n${ledgerTable(result)}\n\n${verdictLine(result)}\n`)
  if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`)
  return result.faults.length === 0 ? EXIT.ok : EXIT.failed
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2))
  if (options !== null) return letters(options)
  process.stdout.write(`${USAGE}\n`)
  return EXIT.ok
}

function explain(error: unknown): number {
  if (error instanceof UsageError) {
    process.stderr.write(`${error.message}\n\n${USAGE}\n`)
    return EXIT.usage
  }
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  return EXIT.failed
}

let stopping = false
const interrupted = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]).then(() => {
  stopping = true
  return EXIT.interrupted
})
// What fails because everything is being closed is not worth a word.
const finished = main().catch((error: unknown) => (stopping ? EXIT.interrupted : explain(error)))
const exitCode = await Promise.race([finished, interrupted])
killChildren()
await cleanUp()
process.exit(exitCode)
