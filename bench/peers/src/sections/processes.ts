// One worker process against three, on commands that are all in place when the first worker starts.

import { onFreshSite, type Site } from '../arena.js'
import { takeTurns } from '../rounds.js'
import type { Progress } from '../side-actions.js'
import type { SideProcess } from '../side-process-handle.js'
import { verify } from '../verify.js'
import { count, type PeersBench, ratio, type Section, targetAtLeast, times, wanted } from './section.js'

const EVENTS = 300_000
const QUICK_EVENTS = 50_000
const LOOK_EVERY_MS = 20
const STUCK_MS = 120_000
const COUNTS = [1, 3] as const

interface DrainFigures {
  readonly landedPerSecond: number
}

export const processes: Section = async (bench) => {
  const events = bench.quick ? QUICK_EVENTS : EVENTS
  const counts = wanted(bench, ['spillway']).length === 0 ? [] : COUNTS
  const results = await takeTurns(
    counts.map((workers) => ({
      label: workers === 1 ? 'one worker process' : `${workers} worker processes`,
      run: () => drainRun(bench, workers, events),
    })),
    bench.rounds,
    bench.say,
  )
  const [one, three] = results.map(({ figures }) => figures?.landedPerSecond)
  return {
    title: `${count(events)} commands in place, landed by one and by three worker processes`,
    table: [
      ['', 'landed/s', 'vs one'],
      ...results.map(({ label, figures }) => {
        const share = ratio(figures?.landedPerSecond, one)
        return [
          label,
          figures === null ? 'void' : count(figures.landedPerSecond),
          share === null ? '' : times(share),
        ]
      }),
    ],
    targets: [targetAtLeast('three worker processes vs one', ratio(three, one), 1.3)],
    figures: results,
  }
}

function drainRun(bench: PeersBench, workers: number, events: number): Promise<DrainFigures> {
  return onFreshSite(bench.bed, 'spillway', async (site) => {
    await seed(site, events)
    const crew = Array.from({ length: workers }, () => site.start({ role: 'work' }))
    // An answer to a question means that the code is loaded; what follows is the work alone.
    await Promise.all(crew.map((process) => process.ask('progress', null)))
    const openedAt = await Promise.all(crew.map((process) => process.ask('open', null)))
    await allLanded(crew, events)
    const written = sumOf(await Promise.all(crew.map((process) => process.ask('close', null))))
    verify(await site.content(), events, written)
    return { landedPerSecond: (events / (written.lastAt - Math.min(...openedAt))) * 1_000 }
  })
}

async function seed(site: Site, events: number): Promise<void> {
  const seeding = site.start({ role: 'submit' })
  await seeding.ask('install', null)
  await seeding.ask('open', null)
  await seeding.ask('seed', { first: 0, events })
  await seeding.ask('close', null)
  await seeding.end()
}

async function allLanded(crew: readonly SideProcess[], events: number): Promise<void> {
  const deadline = performance.now() + STUCK_MS
  for (;;) {
    const { rows } = sumOf(await Promise.all(crew.map((process) => process.ask('progress', null))))
    if (rows >= events) return
    if (performance.now() > deadline)
      throw new Error(`${rows} of ${events} rows landed within ${STUCK_MS} ms`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
}

function sumOf(parts: readonly Progress[]): Progress {
  return {
    rows: parts.reduce((sum, { rows }) => sum + rows, 0),
    repeats: parts.reduce((sum, { repeats }) => sum + repeats, 0),
    lastAt: Math.max(...parts.map(({ lastAt }) => lastAt)),
  }
}
