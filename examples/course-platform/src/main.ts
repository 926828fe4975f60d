#!/usr/bin/env node
// The command: reads the options, runs the job, prints results on stdout and progress on stderr (with --json everything
// but the last line goes to stderr), and leaves no process and no file behind, however it ends.

import { once } from 'node:events'
import { killChildren } from './child.js'
import { type Options, readOptions, USAGE } from './options.js'
import { DURABLE_PATTERNS, type DurablePattern } from './patterns/index.js'
import { progressOn } from './progress.js'
import { readClicks } from './real-clicks.js'
import { count, crashJson, crashLine, jobJson } from './report.js'
import { makeRunFolder, type RunFolder } from './run-folder.js'
import type { ServedPlatform } from './served-platform.js'
import { missingBroker, startBroker, stopServers } from './servers.js'
import { engineOf } from './storage/index.js'
import { UsageError } from './usage-error.js'
import { isFaultless } from './verify.js'

const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const

/** A second signal meets no listener any more and ends the process at once. */
const stopSignal = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])

let stayingUp = false
let cleanUp = async () => {}

async function run(): Promise<number> {
  const options = readOptions(process.argv.slice(2))
  if (options === null) {
    process.stdout.write(`${USAGE}\n`)
    return EXIT.ok
  }
  const folder = makeRunFolder(options.store)
  cleanUp = () => folder.remove()
  return options.crash ? runCrashDemo(options, folder) : runPlatform(options, folder)
}

async function runCrashDemo(options: Options, folder: RunFolder): Promise<number> {
  const { crashDemo } = await import('./crash-demo.js')
  const say = speaker(options)
  const clicks = readClicks(options.clicks)
  say(
    `Intake and worker as two processes on one ${engineName(options)} database, ${count(clicks.length)} real clicks.`,
  )
  const progress = progressOn(process.stderr)
  const result = await crashDemo({ clicks, callers: options.callers, folder, progress, say })
  say(crashLine(clicks.length, result))
  if (options.json) process.stdout.write(`${crashJson(result)}\n`)
  return isFaultless(result) ? EXIT.ok : EXIT.failed
}

async function runPlatform(options: Options, folder: RunFolder): Promise<number> {
  const say = speaker(options)
  const served = await serve(options, folder)
  cleanUp = async () => {
    await served.close()
    await folder.remove()
  }
  const clicks = readClicks(options.clicks)
  say(
    `Course platform on Spillway and ${engineName(options)}: ${served.courses} courses, ${count(clicks.length)} real clicks.\n`,
  )
  const progress = progressOn(process.stderr)
  const { runMainJob } = await import('./main-job.js')
  const result = await runMainJob({ ...options, served, clicks, folder, progress, say })
  if (options.json) process.stdout.write(`${jobJson(result)}\n`)
  if (!options.exit) {
    say(invitation(served.url))
    stayingUp = true
    await stopSignal
  }
  return isFaultless(result) ? EXIT.ok : EXIT.failed
}

async function serve({ pattern, brokerUrls, port }: Options, folder: RunFolder): Promise<ServedPlatform> {
  const chosen: DurablePattern = DURABLE_PATTERNS[pattern]
  const { broker } = chosen
  const missing = broker === null ? null : await missingBroker(broker, brokerUrls)
  if (missing !== null) throw new UsageError(`--pattern ${pattern}: ${missing}, or use --broker-url`)
  const url = broker === null ? null : (await startBroker(broker, brokerUrls)).url
  const site = folder.site('platform', await folder.database('platform'), url)
  const { servePlatform } = await import('./served-platform.js')
  return servePlatform(chosen, site, port)
}

function engineName({ store }: Options): string {
  return { sqlite: 'SQLite', postgres: 'PostgreSQL', mysql: 'MySQL' }[engineOf(store ?? '')]
}

function invitation(url: string): string {
  return `
The platform is up at ${url} until Ctrl-C. Try:
  curl -s ${url}/courses
  curl -s ${url}/courses/FFF-2013B/views
  curl -s ${url}/clicks -H 'content-type: application/json' \\
    -d '{"id":"my-click-1","course":"FFF-2013B","student":1,"material":526853,"day":0,"clicks":1}'`
}

function speaker(options: Options): (text: string) => void {
  const stream = options.json ? process.stderr : process.stdout
  return (text) => stream.write(`${text}\n`)
}

function explain(error: unknown): number {
  if (error instanceof UsageError) {
    process.stderr.write(`${error.message}\n\n${USAGE}\n`)
    return EXIT.usage
  }
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE' && 'port' in error) {
    process.stderr.write(`Port ${error.port} is in use. Free it, or choose another one with --port N.\n`)
    return EXIT.failed
  }
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  return EXIT.failed
}

let stopping = false
const interrupted = stopSignal.then(() => {
  stopping = true
  return stayingUp ? EXIT.ok : EXIT.interrupted
})
// What fails because everything is being closed is not worth a word.
const finished = run().catch((error: unknown) => (stopping ? EXIT.interrupted : explain(error)))
const exitCode = await Promise.race([finished, interrupted])
killChildren()
await cleanUp()
await stopServers()
process.exit(exitCode)
