// The run of a side whose commands travel: one process submits, others ship and execute. A warm-up, a timed load until the last row is in
// the table, and where there is an agent a second one: it stands still while as many commands are written, and is timed from the moment it
// goes on.

import { onFreshSite, type Site } from './arena.js'
import type { Bed } from './bed.js'
import { type Crew, openCrew } from './crew.js'
import { monotonicMs } from './monotonic.js'
import type { SubmitReport } from './side-actions.js'
import type { SideProcess } from './side-process-handle.js'
import type { SideName } from './sides/side-names.js'
import { verify } from './verify.js'

export interface TransitRun {
  readonly side: SideName
  readonly callers: number
  /** Of the timed load, about. */
  readonly seconds: number
}

/** CPU times in microseconds per command. */
export interface TransitFigures {
  readonly landedPerSecond: number
  readonly ackP50Ms: number
  readonly ackP99Ms: number
  readonly submitCpuUs: number
  readonly agentCpuUs: number
  readonly workerCpuUs: number
  readonly serversCpuUs: number
  /** From a backlog: 0 where there is no agent. */
  readonly backlogPerSecond: number
  readonly backlogAgentCpuUs: number
  readonly backlogWorkerCpuUs: number
  readonly backlogServersCpuUs: number
}

interface Scene {
  readonly site: Site
  readonly submitter: SideProcess
  readonly crew: Crew
  readonly callers: number
}

interface Cpu {
  readonly submit: number
  readonly agent: number
  readonly worker: number
  readonly servers: number
}

const FIRST_WARMUP_EVENTS = 3_000
const SECOND_WARMUP_SECONDS = 0.7
const EVENTS_MAX = 600_000
const EVENTS_MIN = 2_000
/** After the last row, until what is written about it has been written too. */
const QUIET_MS = 300

export function transitRun(bed: Bed, { side, callers, seconds }: TransitRun): Promise<TransitFigures> {
  return onFreshSite(bed, side, async (site) => {
    const submitter = site.start({ role: 'submit' })
    await submitter.ask('install', null)
    const crew = await openCrew(site)
    await submitter.ask('open', null)
    const scene = { site, submitter, crew, callers }
    const first = await submitted(scene, 0, FIRST_WARMUP_EVENTS)
    let next = FIRST_WARMUP_EVENTS
    const second = eventsIn(Math.min(seconds, SECOND_WARMUP_SECONDS), first.landedPerSecond)
    const { landedPerSecond } = await submitted(scene, next, second)
    next += second
    const events = eventsIn(seconds, landedPerSecond)
    const load = await timed(scene, next, events)
    next += events
    const backlog = crew.agent === null ? NO_BACKLOG : await drained(scene, crew.agent, next, events)
    if (crew.agent !== null) next += events
    await submitter.ask('close', null)
    const written = await crew.close()
    verify(await site.content(), next, written)
    return { ...load, ...backlog }
  })
}

const NO_BACKLOG = {
  ...{ backlogPerSecond: 0, backlogAgentCpuUs: 0, backlogWorkerCpuUs: 0, backlogServersCpuUs: 0 },
}

async function submitted({ submitter, crew, callers }: Scene, first: number, events: number) {
  const load = { callers, api: 'single', first, events } as const
  const report: SubmitReport = await submitter.ask('submit', load)
  const landedAt = Math.max(await crew.landed(first + events), report.ackedAt)
  return { ...report, landedPerSecond: (events / (landedAt - report.startedAt)) * 1_000 }
}

async function timed(scene: Scene, first: number, events: number) {
  const before = await cpuOf(scene)
  const { landedPerSecond, ackP50Ms, ackP99Ms } = await submitted(scene, first, events)
  const perCommand = await cpuSince(before, scene, events)
  return {
    ...{ landedPerSecond, ackP50Ms, ackP99Ms },
    submitCpuUs: perCommand('submit'),
    agentCpuUs: perCommand('agent'),
    workerCpuUs: perCommand('worker'),
    serversCpuUs: perCommand('servers'),
  }
}

async function drained(scene: Scene, agent: NonNullable<Crew['agent']>, first: number, events: number) {
  const { submitter, crew, callers } = scene
  const idle = await cpuOf(scene)
  agent.pause()
  await submitter.ask('submit', { callers, api: 'single', first, events })
  // What does not stand still has nothing to do meanwhile, but the servers may.
  const before = { ...idle, servers: scene.site.serversCpuSeconds() }
  const startedAt = monotonicMs()
  agent.resume()
  const landedAt = await crew.landed(first + events)
  const perCommand = await cpuSince(before, scene, events)
  return {
    backlogPerSecond: (events / (landedAt - startedAt)) * 1_000,
    backlogAgentCpuUs: perCommand('agent'),
    backlogWorkerCpuUs: perCommand('worker'),
    backlogServersCpuUs: perCommand('servers'),
  }
}

/** In microseconds per command, what is written about the last ones included. */
async function cpuSince(before: Cpu, scene: Scene, events: number): Promise<(part: keyof Cpu) => number> {
  await pause(QUIET_MS)
  const after = await cpuOf(scene)
  return (part) => ((after[part] - before[part]) / events) * 1e6
}

async function cpuOf({ site, submitter, crew: { agent, worker } }: Scene): Promise<Cpu> {
  return {
    submit: await submitter.ask('cpu', null),
    agent: (await agent?.ask('cpu', null)) ?? 0,
    worker: (await worker?.ask('cpu', null)) ?? 0,
    servers: site.serversCpuSeconds(),
  }
}

function eventsIn(seconds: number, perSecond: number): number {
  return Math.min(EVENTS_MAX, Math.max(EVENTS_MIN, Math.round(perSecond * seconds)))
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
