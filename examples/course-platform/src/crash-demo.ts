// Intake and worker as two processes on one database, and a hand that pulls their plugs: the worker several times, the
// intake once, all by SIGKILL. What was answered must be there once, whatever was running when.

import { setTimeout as sleep } from 'node:timers/promises'
import { countAcks } from './ack-log.js'
import { type Child, startChild } from './child.js'
import type { Click } from './clicks.js'
import type { IntakeReport } from './crash-process.js'
import { openPlatform, type Platform } from './platform.js'
import type { Progress } from './progress.js'
import { count } from './report.js'
import type { RunFolder } from './run-folder.js'
import type { Site } from './site.js'
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
const PATIENCE_MS = 120_000

export async function crashDemo(demo: CrashDemo): Promise<CrashResult> {
  const location = await demo.folder.database('crash')
  const site = demo.folder.site('crash', location)
  const operator = await openPlatform(location, { roles: ['intake'] })
  const { tables } = operator
  const stop = demo.progress.start('landed', demo.clicks.length, () => tables.countLanded())
  try {
    const [duplicates] = await Promise.all([killIntakeOnce(demo, site), killWorkers(demo, site, operator)])
    return {
      ...(await inspect(demo, location, duplicates)),
      workerKills: WORKER_KILLS,
      intakeKills: INTAKE_KILLS,
    }
  } finally {
    stop()
    await operator.close()
  }
}

/** Returns how many of the clicks in doubt were stored already. */
async function killIntakeOnce(demo: CrashDemo, site: Site): Promise<number> {
  const acks = ackFileOf(demo)
  const victim = startHalf('intake', demo, site)
  await until('half of the clicks are answered', () => countAcks(acks) >= demo.clicks.length / 2)
  await victim.kill()
  demo.say(`intake killed at ${count(countAcks(acks))} answered, started again`)
  const second = startHalf('intake', demo, site)
  const { duplicates } = await second.message()
  await second.finished()
  return duplicates
}

async function killWorkers(demo: CrashDemo, site: Site, operator: Platform): Promise<void> {
  const { tables } = operator
  let worker = startHalf('worker', demo, site)
  for (let kill = 1; kill <= WORKER_KILLS; kill++) {
    const share = (demo.clicks.length * kill) / (WORKER_KILLS + 1)
    await until(`${count(share)} clicks have landed`, async () => (await tables.countLanded()) >= share)
    await worker.kill()
    demo.say(`worker killed at ${count(await tables.countLanded())} landed, started again`)
    worker = startHalf('worker', demo, site)
  }
  await until('all clicks have landed', async () => {
    await redriveSuspects(operator, demo)
    return (await tables.countLanded()) >= demo.clicks.length
  })
  await worker.stop()
}

/**
 * A click that was being recorded when its worker was killed a third time is a suspect: Spillway lays it aside as dead
 * (`worker_crash`) and goes on with the others. Who knows better, as we do here, has it executed again.
 */
async function redriveSuspects({ spillway }: Platform, demo: CrashDemo): Promise<void> {
  const { items } = await spillway.list({ state: 'dead', limit: 100 })
  if (items.length === 0) return
  await spillway.redrive(items.map(({ id }) => id))
  demo.say(`${count(items.length)} suspected of killing the worker, executed again`)
}

async function inspect(demo: CrashDemo, location: string, duplicates: number) {
  const platform = await openPlatform(location)
  try {
    await platform.settled()
    const { accepted } = await platform.spillway.accounting()
    return {
      submitted: accepted + duplicates,
      accepted,
      duplicates,
      ...(await verify(platform.tables, demo.clicks)),
    }
  } finally {
    await platform.close()
  }
}

function startHalf(role: 'intake' | 'worker', demo: CrashDemo, site: Site): Child<IntakeReport> {
  const args = [role, String(demo.clicks.length), String(demo.callers), ackFileOf(demo)]
  return startChild('./crash-process.js', site, args)
}

function ackFileOf({ folder }: CrashDemo): string {
  return folder.file('crash.acks')
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited ${PATIENCE_MS / 1_000} s in vain until ${what}`)
    await sleep(POLL_MS)
  }
}
