// The process of one way to make commands safe on the local disk: submitted by many callers to a queue that travels by journal, appended to
// the journal by itself in the same groups, or written and synced by a loop that does nothing else.

import { fdatasync, fdatasyncSync, openSync, write, writeSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createSpillway } from 'spillway'
import { answer, readJob } from 'spillway-bench/child'
import { percentiles } from 'spillway-bench/measure'
import { countLanded } from './landed-count.js'
import { submitEach } from './load.js'
import { openBareJournal } from './own-journal.js'
import { running } from './sides/spillway.js'
import { transitConfig } from './transit-config.js'
import { makeEvents, type WatchEvent } from './watch-events.js'

export interface AppendJob {
  readonly way: 'submit' | 'journal' | 'loop' | 'blockingLoop'
  readonly seconds: number
  readonly callers: number
  /** Commands per write, where there are no callers. */
  readonly groupSize: number
  /** A database that is there; nothing is written to it. */
  readonly database: string
  readonly folder: string
}

export interface AppendFigures {
  readonly perSecond: number
  readonly ackP50Ms: number
  readonly ackP99Ms: number
  readonly groupSize: number
  readonly cpuUs: number
}

/** Events that are taken again and again. */
const EVENTS = 50_000
const WARMUP_SECONDS = 0.5
const EVENTS_MAX = 3_000_000

const job = readJob<AppendJob>()
const ways = { submit: bySubmit, journal: byJournal, loop: byLoop, blockingLoop: byBlockingLoop }
answer(await ways[job.way]())

async function bySubmit(): Promise<AppendFigures> {
  const { callers, folder, database, seconds } = job
  const urls = { database, redis: null, transit: { broker: null, lane: '', spool: folder } }
  const { config, command } = transitConfig({ hasJournal: true, broker: null }, urls, countLanded())
  let chunks = 0
  const telemetry = {
    record({ event }: { readonly event: string }) {
      if (event === 'chunk.committed') chunks += 1
    },
  }
  const spillway = await createSpillway(
    { ...config, telemetry: [telemetry] },
    { roles: ['intake'], logs: 'warn' },
  )
  const side = running(spillway, command)
  // The same few, as in the loops: nothing is executed here, and a million of them in memory would be work for the garbage collector alone.
  const known = makeEvents(0, EVENTS)
  const load = async (count: number) => {
    const events = Array.from({ length: count }, (_, index) => known[index % EVENTS] as WatchEvent)
    const { startedAt, ackedAt, ...acks } = await submitEach(side, events, callers)
    return { ...acks, perSecond: (count / (ackedAt - startedAt)) * 1_000 }
  }
  const { perSecond } = await load(2 * EVENTS)
  const events = Math.min(EVENTS_MAX, Math.round(perSecond * seconds))
  chunks = 0
  const cpu = process.cpuUsage()
  const figures = await load(events)
  const cpuUs = cpuSince(cpu) / events
  await spillway.close()
  return { ...figures, groupSize: events / chunks, cpuUs }
}

async function byJournal(): Promise<AppendFigures> {
  const journal = await openBareJournal(job.folder)
  const figures = await byGroups((group) =>
    journal.append([{ count: group.length, payload: JSON.stringify(group) }]),
  )
  await journal.close()
  return figures
}

function byLoop(): Promise<AppendFigures> {
  const file = openSync(join(job.folder, 'commands'), 'w')
  const [writeTo, sync] = [promisify(write), promisify(fdatasync)]
  return byGroups(async (group) => {
    await writeTo(file, Buffer.from(JSON.stringify(group)))
    await sync(file)
  })
}

/** Holds up its thread at every write and every sync: no way for a service. */
function byBlockingLoop(): Promise<AppendFigures> {
  const file = openSync(join(job.folder, 'commands'), 'w')
  return byGroups((group) => {
    writeSync(file, JSON.stringify(group))
    fdatasyncSync(file)
  })
}

async function byGroups(
  write: (group: readonly WatchEvent[]) => Promise<void> | void,
): Promise<AppendFigures> {
  const { seconds } = job
  const groupSize = Math.max(1, Math.round(job.groupSize))
  const events = makeEvents(0, EVENTS)
  const groups = Array.from({ length: Math.floor(EVENTS / groupSize) }, (_, index) =>
    events.slice(index * groupSize, (index + 1) * groupSize),
  )
  await writeFor(WARMUP_SECONDS, groups, write)
  const cpu = process.cpuUsage()
  const startedAt = performance.now()
  const durationsMs = await writeFor(seconds, groups, write)
  const written = durationsMs.length * groupSize
  return {
    ...percentiles(durationsMs),
    ...{ groupSize, cpuUs: cpuSince(cpu) / written },
    perSecond: (written / (performance.now() - startedAt)) * 1_000,
  }
}

async function writeFor(
  seconds: number,
  groups: readonly WatchEvent[][],
  write: (group: readonly WatchEvent[]) => Promise<void> | void,
): Promise<Float64Array> {
  const durationsMs: number[] = []
  const endAt = performance.now() + seconds * 1_000
  for (let index = 0; performance.now() < endAt; index += 1) {
    const startedAt = performance.now()
    await write(groups[index % groups.length] as WatchEvent[])
    durationsMs.push(performance.now() - startedAt)
  }
  return Float64Array.from(durationsMs)
}

function cpuSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before)
  return user + system
}
