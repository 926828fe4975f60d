// The comparison of the patterns: each is run on a fresh database to its end for the figures, and on another one until its parts are
// killed for what that costs.

import type { Click } from './clicks.js'
import { type KillableServers, killParts, type Losses, PARTS, type Part } from './kills.js'
import type { Measured } from './pattern-process.js'
import { PatternProcesses, type PatternRun } from './pattern-processes.js'
import { PATTERNS, type Pattern, type PatternName } from './patterns/index.js'
import type { Progress } from './progress.js'
import type { RunFolder } from './run-folder.js'
import {
  type BrokerUrls,
  missingBroker,
  type RunningBroker,
  type RunningDatabase,
  startBroker,
  startDatabase,
  stopServer,
} from './servers.js'
import { engineOf, openStorage } from './storage/index.js'
import { isFaultless, type Verification, verify } from './verify.js'

export interface PatternResult extends Measured {
  readonly pattern: PatternName
  readonly summary: string
  /** By the part that was killed; without those that the pattern does not have, or that were not killed. */
  readonly losses: Losses
}

export interface MissingPattern {
  readonly pattern: PatternName
  readonly summary: string
  /** What is not installed, and how it would be. */
  readonly reason: string
}

export interface Comparison {
  readonly results: readonly PatternResult[]
  readonly missing: readonly MissingPattern[]
}

export interface PatternRuns {
  readonly names: readonly PatternName[]
  /** Kill every part, not the app alone. */
  readonly allParts: boolean
  readonly brokerUrls: BrokerUrls
  /** Location of the demo's own database, for its engine. */
  readonly store: string | null
  readonly clicks: readonly Click[]
  readonly callers: number
  readonly folder: RunFolder
  readonly progress: Progress
}

export async function comparePatterns(runs: PatternRuns): Promise<Comparison> {
  const results: PatternResult[] = []
  const missing: MissingPattern[] = []
  const database = runs.allParts ? await startDatabase(engineOf(runs.store ?? ''), runs.folder.name) : null
  for (const name of runs.names) {
    const pattern = PATTERNS[name]
    const reason = pattern.broker === null ? null : await missingBroker(pattern.broker, runs.brokerUrls)
    if (reason === null) results.push(await comparePattern(pattern, runs, database))
    else missing.push({ pattern: name, summary: pattern.summary, reason })
  }
  if (database !== null) await stopServer(database.server)
  return { results, missing }
}

async function comparePattern(
  pattern: Pattern,
  runs: PatternRuns,
  database: RunningDatabase | null,
): Promise<PatternResult> {
  const stop = runs.progress.wait(`${pattern.name}`)
  const broker = pattern.broker === null ? null : await startBroker(pattern.broker, runs.brokerUrls)
  try {
    const measured = await measure(pattern, runs, broker)
    const losses = await kill(pattern, runs, broker, database)
    return { pattern: pattern.name, summary: pattern.summary, ...measured, losses }
  } finally {
    if (broker?.server) await stopServer(broker.server)
    stop()
  }
}

async function measure(pattern: Pattern, runs: PatternRuns, broker: RunningBroker | null): Promise<Measured> {
  const location = await runs.folder.database(pattern.name)
  const processes = await PatternProcesses.start(runOf(pattern, runs, broker, location, 'measured'))
  const measured = (await processes.ask({ kind: 'measure' })) as Measured
  await processes.stop()
  const verification = await verifyAt(location, runs.clicks.slice(0, measured.clicks))
  if (!isFaultless(verification)) {
    throw new Error(`pattern ${pattern.name} did not land its clicks: ${JSON.stringify(verification)}`)
  }
  return measured
}

/** On a database that can be killed where there is one. */
async function kill(
  pattern: Pattern,
  runs: PatternRuns,
  broker: RunningBroker | null,
  database: RunningDatabase | null,
): Promise<Losses> {
  const name = `${pattern.name}-killed`
  const location = await (database === null ? runs.folder.database(name) : database.places.make(name))
  const servers = { broker: broker?.server ?? null, database: database?.server ?? null }
  return killParts({
    ...runOf(pattern, runs, broker, location, 'killed'),
    ...{ clicks: runs.clicks, servers },
    parts: runs.allParts ? PARTS.filter((part) => isThere(part, pattern, servers)) : ['app'],
  })
}

function isThere(part: Part, pattern: Pattern, { broker, database }: KillableServers): boolean {
  switch (part) {
    case 'app':
      return true
    case 'agent':
      return pattern.hasAgent
    case 'broker':
      return broker !== null
    case 'database':
      return database !== null
  }
}

function runOf(
  pattern: Pattern,
  { clicks, callers, folder }: PatternRuns,
  broker: RunningBroker | null,
  database: string,
  purpose: 'measured' | 'killed',
): PatternRun {
  const name = `${pattern.name}-${purpose}`
  return {
    pattern,
    callers,
    clicks: clicks.length,
    ackFile: folder.file(`${name}.acks`),
    site: folder.site(name, database, broker?.url ?? null),
  }
}

async function verifyAt(location: string, expected: readonly Click[]): Promise<Verification> {
  const { tables, close } = await openStorage(location)
  try {
    return await verify(tables, expected)
  } finally {
    await close()
  }
}
