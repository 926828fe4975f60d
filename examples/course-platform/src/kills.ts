// What each part is worth: clicks are sent, one part is killed midway by SIGKILL and started again, and what was answered until then and
// since is looked for in the table. One part after the other, on one site; nothing is estimated.

import { setTimeout as sleep } from 'node:timers/promises'
import { countAcks, readAcks } from './ack-log.js'
import type { Click } from './clicks.js'
import { untilLanded } from './landing.js'
import { PatternProcesses, type PatternRun } from './pattern-processes.js'
import type { Pattern } from './patterns/index.js'
import { openStorage, type PlatformTables } from './storage/index.js'
import { isFaultless, type Verification, verify } from './verify.js'

export const PARTS = ['app', 'agent', 'broker', 'database'] as const
export type Part = (typeof PARTS)[number]

export interface Loss {
  /** Clicks that were answered with yes. */
  readonly answered: number
  /** Those of them without a row afterwards. */
  readonly lost: number
}

export type Losses = Readonly<Partial<Record<Part, Loss>>>

/** A server that may be killed; null when there is none, or none of ours. */
export interface KillableServers {
  readonly broker: Killable | null
  readonly database: Killable | null
}

interface Killable {
  kill(): Promise<void>
  restart(): Promise<void>
}

export interface KillRun extends Omit<PatternRun, 'clicks'> {
  readonly clicks: readonly Click[]
  readonly parts: readonly Part[]
  readonly servers: KillableServers
}

/** The kill comes when half of a part's clicks are answered, or after this long in a pattern that is too slow for that. */
const KILL_AFTER_MS = 1_000
const POLL_MS = 2

/** Throws when a click landed otherwise than it was sent, or has not exactly one effect. */
export async function killParts(run: KillRun): Promise<Losses> {
  const storage = await openStorage(run.site.database)
  const processes = await PatternProcesses.start({ ...run, clicks: run.clicks.length })
  try {
    const losses: Partial<Record<Part, Loss>> = {}
    for (const [at, part] of run.parts.entries()) {
      losses[part] = await killPart(run, processes, storage.tables, part, at)
    }
    await processes.stop()
    mustBeRight(run.pattern, await verify(storage.tables, run.clicks))
    return losses
  } finally {
    await storage.close()
  }
}

async function killPart(
  run: KillRun,
  processes: PatternProcesses,
  tables: PlatformTables,
  part: Part,
  at: number,
): Promise<Loss> {
  const [from, to] = [at, at + 1].map((share) => Math.floor((run.clicks.length * share) / run.parts.length))
  const before = countAcks(run.ackFile)
  const loading = processes.ask({ kind: 'load', from: from as number, to: to as number })
  // What becomes of it when its process is killed is no surprise.
  loading.catch(() => {})
  await midway(run, processes, before, (to as number) - (from as number))
  await KILL[part](run, processes)
  if (part !== 'app') await loading
  const answered = answeredOf(run).slice(before)
  if (isCarried(run.pattern)) await untilLanded(tables, answeredOf(run))
  else await processes.ask({ kind: 'settle' })
  return { answered: answered.length, lost: (await verify(tables, answered)).lost }
}

const KILL: Readonly<Record<Part, (run: KillRun, processes: PatternProcesses) => Promise<void>>> = {
  async app(_run, processes) {
    await processes.killApp()
    await processes.restartApp()
  },
  async agent(_run, processes) {
    await processes.killAgent()
    processes.restartAgent()
  },
  async broker({ servers }) {
    await servers.broker?.kill()
    await servers.broker?.restart()
  },
  async database({ servers }) {
    await servers.database?.kill()
    await servers.database?.restart()
  },
}

async function midway(run: KillRun, processes: PatternProcesses, before: number, clicks: number) {
  let firstAckAt: number | null = null
  while (processes.isAlive) {
    const acks = countAcks(run.ackFile) - before
    if (acks > 0) firstAckAt ??= performance.now()
    if (acks >= clicks / 2) return
    if (firstAckAt !== null && performance.now() - firstAckAt > KILL_AFTER_MS) return
    await sleep(POLL_MS)
  }
}

/** In the order of their answers. */
function answeredOf({ ackFile, clicks }: KillRun): Click[] {
  return [...readAcks(ackFile)].map((index) => clicks[index] as Click)
}

/** Clicks may be on their way where neither the app nor the database sees them. */
function isCarried({ broker, hasAgent }: Pattern): boolean {
  return broker !== null || hasAgent
}

function mustBeRight({ name }: Pattern, verification: Verification): void {
  const { wrong, duplicateEffects, missingEffects } = verification
  if (isFaultless({ landed: 0, lost: 0, wrong, duplicateEffects, missingEffects })) return
  throw new Error(`pattern ${name} did not land its clicks as they were: ${JSON.stringify(verification)}`)
}
