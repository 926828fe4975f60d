#!/usr/bin/env node
// `npm run sim -- --seeds N --from K [--store name --url url] [--bug name]`: runs the simulation over a range of seeds. Progress goes
// to stderr, the counters and everything about a seed that failed to stdout. Exit code 1 when a promise was broken. --help says it all.

import { parseArgs } from 'node:util'
import { PLANTED_BUGS, type PlantedBug } from './bugs/index.js'
import { type CampaignReport, runCampaign } from './campaign.js'
import { neverSeen, SOMETIMES, SOMETIMES_WITH_WAITING } from './sometimes.js'
import { STORES, type StoreName, storesNamed } from './stores/index.js'
import { traceHash, traceTail } from './trace.js'
import type { SeedResult } from './world.js'

const SEEDS_DEFAULT = 1_000
const HELP = `Runs simulated worlds and holds every promise against what happened in them.

Usage: npm run sim -- [--seeds N] [--from K] [--store name [--url url]] [--bug name]

  --seeds N     How many worlds. Default ${SEEDS_DEFAULT}.
  --from K      The seed of the first one. The same seed is the same world, event by event. Default 1.
  --store name  What they run on: ${STORES.join(', ')}. Default memory.
  --url url     Of a database that may be emptied; needed for postgres and mysql.
  --bug name    Plants a bug that is then to be found: ${PLANTED_BUGS.map(({ name }) => name).join(', ')}.
  --help        Shows this.

It stops at the first world in which a promise is broken and shows what led there.
Exit code: 0 all promises kept, 1 one was broken or something was never seen, 2 wrong usage.
`
/** From so many seeds on a counter that was never reached is a fault of the simulation and not of too short a run. */
const SEEDS_FOR_COUNTERS = 500
const PROGRESS_EVERY = 50
const TAIL_LINES = 60
const VIOLATIONS_SHOWN = 10

interface Arguments {
  readonly seeds: number
  readonly from: number
  readonly bug: PlantedBug | null
  readonly store: StoreName
  readonly url: string | null
}

function readArguments(): Arguments {
  const text = { type: 'string' } as const
  const { values } = parseArgs({ options: { seeds: text, from: text, bug: text, store: text, url: text } })
  const bug = values.bug === undefined ? null : PLANTED_BUGS.find(({ name }) => name === values.bug)
  if (bug === undefined) {
    throw new TypeError(`--bug: one of ${PLANTED_BUGS.map(({ name }) => name).join(', ')}`)
  }
  const [seeds, from] = [whole(values.seeds, '--seeds', SEEDS_DEFAULT), whole(values.from, '--from', 1)]
  return { seeds, from, bug, store: storeNameOf(values.store), url: values.url ?? null }
}

function storeNameOf(text = 'memory'): StoreName {
  const name = STORES.find((store) => store === text)
  if (name === undefined) throw new TypeError(`--store: one of ${STORES.join(', ')}`)
  return name
}

function whole(text: string | undefined, option: string, fallback: number): number {
  const value = text === undefined ? fallback : Number(text)
  if (!Number.isSafeInteger(value) || value < 1)
    throw new TypeError(`${option}: a whole number of at least 1`)
  return value
}

function showFailure({ seed, history, violations }: SeedResult, { bug, store }: Arguments): void {
  const [first] = violations
  console.log(`\nseed ${seed} broke ${violations.length} promises (trace ${traceHash(history)}):`)
  for (const { invariant, subject, message } of violations.slice(0, VIOLATIONS_SHOWN)) {
    console.log(`  ${invariant}  ${subject}: ${message}`)
  }
  console.log(`\nwhat led to the first, last ${TAIL_LINES} events:`)
  for (const line of traceTail(history, first?.at ?? Number.POSITIVE_INFINITY, TAIL_LINES))
    console.log(`  ${line}`)
  const on = store === 'memory' ? '' : ` --store ${store}`
  const planted = bug === null ? '' : ` --bug ${bug.name}`
  console.log(`\nagain: npm run sim -- --seeds 1 --from ${seed}${on}${planted}`)
}

function showCounters({ counters, seeds }: CampaignReport): void {
  console.log(`\nseen in ${seeds} seeds:`)
  for (const name of [...SOMETIMES, ...SOMETIMES_WITH_WAITING])
    console.log(`  ${String(counters[name]).padStart(9)}  ${name}`)
}

function verdict(report: CampaignReport, { bug }: Arguments): boolean {
  const { failures, irreproducible, seeds } = report
  const missing = bug === null && seeds >= SEEDS_FOR_COUNTERS ? neverSeen(report.counters) : []
  if (missing.length > 0) console.log(`\nnever seen, so never tested: ${missing.join(', ')}`)
  if (irreproducible.length > 0) console.log(`\nnot the same twice: seeds ${irreproducible.join(', ')}`)
  const ok = failures.length + irreproducible.length + missing.length === 0
  const planted = bug === null ? '' : ` with ${bug.name} planted (${bug.what})`
  console.log(`\n${seeds} seeds${planted}: ${failures.length} broke a promise`)
  return ok
}

async function main(): Promise<void> {
  if (process.argv.includes('--help')) {
    console.log(HELP)
    return
  }
  const options = readArguments()
  const { store, url, seeds, from, bug } = options
  const stores = await storesNamed(store, url)
  let done = 0
  const report = await runCampaign({
    ...{ seeds, from, bug, stores },
    onSeed: (result) => {
      done += 1
      if (done % PROGRESS_EVERY === 0) console.error(`${done} of ${options.seeds} seeds`)
      // One failure tells what there is to know; the counters would only be in its way.
      return result.violations.length === 0
    },
  })
  await stores.close()
  if (report.failures.length === 0) showCounters(report)
  for (const failure of report.failures) showFailure(failure, options)
  process.exitCode = verdict(report, options) ? 0 : 1
}

try {
  await main()
} catch (error) {
  console.error(error instanceof TypeError ? error.message : error)
  process.exitCode = error instanceof TypeError ? 2 : 1
}
