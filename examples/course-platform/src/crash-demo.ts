// Intake and worker as two processes on one SQLite file, and a hand that pulls their plugs: the worker several times, the
// intake once, all by SIGKILL. What was answered must be there once, whatever was running when.

import { setTimeout as sleep } from 'node:timers/promises'
import { countAcks } from './ack-log.js'
import { type Child, startChild } from './child.js'
import type { Click } from './clicks.js'
import type { IntakeReport } from './crash-process.js'
import { openPlatform } from './platform.js'
import { openDatabase } from './platform-database.js'
import { countLanded, type Database } from './platform-tables.js'
import type { Progress } from './progress.js'
import { count } from './report.js'
import type { RunFolder } from './run-folder.js'
import { type Verification, verify } from './verify.js'

export interface CrashResult extends Verification {
  readonly submitted: number
  readonly accepted: number
  readonly duplicates: number
  readonly workerKills: number
  readonly intakeKills: number
}

export interface CrashDemo {
  readonly clicks: readonly Click[]
  readonly callers: number
  readonly folder: RunFolder
  readonly progress: Progress
  /** Called with a sentence about every kill. */
  readonly say: (sentence: string) => void
}

const WORKER_KILLS = 5
const INTAKE_KILLS = 1
const POLL_MS = 5
/** Far more than leases need to run out and the rest to land: reached only when something is broken. */
const PATIENCE_MS = 60_000

export async function crashDemo(demo: CrashDemo): Promise<CrashResult> {
  const file = demo.folder.file('crash.db')
  const platform = await openPlatform(file)
  await platform.close()
  const database = openDatabase(file)
  const stop = demo.progress.start('landed', demo.clicks.length, () => countLanded(database))
  try {
    const [duplicates] = await Promise.all([killIntakeOnce(demo, file), killWorkers(demo, file, database)])
    return {
      ...(await inspect(demo, file, duplicates)),
      workerKills: WORKER_KILLS,
      intakeKills: INTAKE_KILLS,
    }
  } finally {
    stop()
    database.close()
  }
}

/** Returns how many of the clicks in doubt were stored already. */
async function killIntakeOnce(demo: CrashDemo, file: string): Promise<number> {
  const acks = ackFileOf(file)
  const victim = startHalf('intake', demo, file)
  await until('half of the clicks are answered', () => countAcks(acks) >= demo.clicks.length / 2)
  await victim.kill()
  demo.say(`intake killed at ${count(countAcks(acks))} answered, started again`)
  const second = startHalf('intake', demo, file)
  const { duplicates } = await second.message()
  await second.finished()
  return duplicates
}

async function killWorkers(demo: CrashDemo, file: string, database: Database): Promise<void> {
  let worker = startHalf('worker', demo, file)
  for (let kill = 1; kill <= WORKER_KILLS; kill++) {
    const share = (demo.clicks.length * kill) / (WORKER_KILLS + 1)
    await until(`${count(share)} clicks have landed`, () => countLanded(database) >= share)
    await worker.kill()
    demo.say(`worker killed at ${count(countLanded(database))} landed, started again`)
    worker = startHalf('worker', demo, file)
  }
  await until('all clicks have landed', () => countLanded(database) >= demo.clicks.length)
  await worker.stop()
}

async function inspect(demo: CrashDemo, file: string, duplicates: number) {
  const platform = await openPlatform(file)
  try {
    await platform.settled()
    const { accepted } = await platform.spillway.accounting()
    return {
      submitted: accepted + duplicates,
      accepted,
      duplicates,
      ...verify(platform.database, demo.clicks),
    }
  } finally {
    await platform.close()
  }
}

function startHalf(role: 'intake' | 'worker', demo: CrashDemo, file: string): Child<IntakeReport> {
  const args = [role, file, String(demo.clicks.length), String(demo.callers), ackFileOf(file)]
  return startChild('./crash-process.js', args)
}

function ackFileOf(file: string): string {
  return `${file}.acks`
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`waited ${PATIENCE_MS / 1_000} s in vain until ${what}`)
    await sleep(POLL_MS)
  }
}
