// The comparison of the patterns: each is run twice on fresh databases, once to its end for the figures, once until SIGKILL
// for what that costs. Nothing is estimated: what is lost was answered, and is not in the table after a restart.

import { setTimeout as sleep } from 'node:timers/promises'
import { countAcks, readAcks } from './ack-log.js'
import { type Child, startChild } from './child.js'
import type { Click } from './clicks.js'
import type { Measured } from './pattern-process.js'
import { PATTERN_NAMES, PATTERNS, type PatternName } from './patterns/index.js'
import type { Progress } from './progress.js'
import type { RunFolder } from './run-folder.js'
import { openStorage } from './storage/index.js'
import { isFaultless, type Verification, verify } from './verify.js'

export interface PatternResult extends Measured {
  readonly pattern: PatternName
  readonly summary: string
  readonly ackedBeforeKill: number
  readonly lostWhenKilled: number
}

export interface PatternRuns {
  readonly clicks: readonly Click[]
  readonly callers: number
  readonly folder: RunFolder
  readonly progress: Progress
}

/** The kill comes when half of the clicks are answered, or after this long in a pattern that is too slow for that. */
const KILL_AFTER_MS = 3_000
const KILL_POLL_MS = 2

export async function comparePatterns(runs: PatternRuns): Promise<PatternResult[]> {
  const results: PatternResult[] = []
  for (const name of PATTERN_NAMES) results.push(await comparePattern(name, runs))
  return results
}

async function comparePattern(name: PatternName, runs: PatternRuns): Promise<PatternResult> {
  const measured = await runToTheEnd(name, runs)
  const killed = await runUntilKilled(name, runs)
  return { pattern: name, summary: PATTERNS[name].summary, ...measured, ...killed }
}

async function runToTheEnd(name: PatternName, runs: PatternRuns): Promise<Measured> {
  const location = await runs.folder.database(name)
  const stop = runs.progress.wait(`${name}: measuring`)
  try {
    const child = startChild<Measured>('./pattern-process.js', location, argumentsOf('measure', name, runs))
    const measured = await child.message()
    await child.finished()
    const verification = await verifyAt(location, runs.clicks.slice(0, measured.clicks))
    if (!isFaultless(verification)) {
      throw new Error(`pattern ${name} did not land its clicks: ${JSON.stringify(verification)}`)
    }
    return measured
  } finally {
    stop()
  }
}

async function runUntilKilled(
  name: PatternName,
  runs: PatternRuns,
): Promise<Pick<PatternResult, 'ackedBeforeKill' | 'lostWhenKilled'>> {
  const location = await runs.folder.database(`${name}-killed`)
  const ackFile = runs.folder.file(`${name}.acks`)
  const stop = runs.progress.wait(`${name}: until SIGKILL`)
  try {
    const victim = startChild('./pattern-process.js', location, argumentsOf('until-killed', name, runs))
    await killMidway(victim, ackFile, runs.clicks.length)
    await startChild('./pattern-process.js', location, argumentsOf('recover', name, runs)).finished()
    const acks = readAcks(ackFile)
    const answered = runs.clicks.filter((_, index) => acks.has(index))
    return { ackedBeforeKill: answered.length, lostWhenKilled: (await verifyAt(location, answered)).lost }
  } finally {
    stop()
  }
}

async function killMidway(victim: Child<unknown>, ackFile: string, clicks: number): Promise<void> {
  let firstAckAt: number | null = null
  while (victim.alive) {
    const acks = countAcks(ackFile)
    if (acks > 0) firstAckAt ??= performance.now()
    if (acks >= clicks / 2) break
    if (firstAckAt !== null && performance.now() - firstAckAt > KILL_AFTER_MS) break
    await sleep(KILL_POLL_MS)
  }
  await victim.kill()
}

function argumentsOf(mode: string, name: PatternName, runs: PatternRuns): string[] {
  const ackFile = runs.folder.file(`${name}.acks`)
  return [mode, name, String(runs.clicks.length), String(runs.callers), ackFile]
}

async function verifyAt(location: string, expected: readonly Click[]): Promise<Verification> {
  const { tables, close } = openStorage(location)
  try {
    return await verify(tables, expected)
  } finally {
    await close()
  }
}
