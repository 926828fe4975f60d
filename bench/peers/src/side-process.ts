// The process of one side, told what to do over its IPC channel. It ends when that channel does.

import { type Control, openControl } from './control.js'
import { costsBetween, type Meters, readCosts } from './costs.js'
import { countLanded } from './landed-count.js'
import { runLoad, submitOnly } from './load.js'
import { monotonicMs } from './monotonic.js'
import { openRedisLog } from './redis-log.js'
import type {
  ActionName,
  LoadReport,
  Moment,
  Progress,
  Question,
  Reply,
  SideActions,
  SideJob,
  TimedLoad,
} from './side-actions.js'
import { loadSide } from './sides/index.js'
import type { HandlerRules, RunningSide } from './sides/side.js'
import { BULK_ROWS } from './tables.js'
import { indexOf, makeEvents, type WatchEvent } from './watch-events.js'

const job = JSON.parse(process.argv[2] ?? 'null') as SideJob

const FIRST_WARMUP_EVENTS = 500
const SECOND_WARMUP_SECONDS = 0.5
const EVENTS_MAX = 400_000
const BULK_FIRST_WARMUP_EVENTS = 10 * BULK_ROWS
const SEED_CALLERS = 4
const SEED_EVENTS = 50_000
/** After the last row, until what the side writes about it has been written too. */
const QUIET_MS = 300

const side = await loadSide(job.side)
const landed = countLanded()
const started: Moment[] = []
let isTimed = false
let running: RunningSide | null = null
let control: Control | null = null

const rules: HandlerRules = {
  started: job.timesHandlers ? (event) => started.push([indexOf(event), monotonicMs()]) : null,
  fails:
    job.failPercent === 0
      ? null
      : (event: WatchEvent, attempt) => isTimed && attempt === 1 && indexOf(event) % 100 < job.failPercent,
}

const actions: {
  [Name in ActionName]: (input: SideActions[Name]['input']) => Promise<SideActions[Name]['answer']>
} = {
  async install() {
    await (await openedControl()).createTable()
    await side.install(job.direct)
    return null
  },
  async open() {
    const startedAt = monotonicMs()
    running = await side.open({ urls: job.urls, role: job.role, landed, rules })
    return startedAt
  },
  async seed({ first, events }) {
    for (let done = 0; done < events; done += SEED_EVENTS) {
      await seedSome(makeEvents(first + done, Math.min(SEED_EVENTS, events - done)))
    }
    return null
  },
  load: timedLoad,
  submit: (load) => submitOnly(opened(), load),
  async cpu() {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  },
  async trickle({ first, events, pauseMs }) {
    const acks: Moment[] = []
    for (const event of makeEvents(first, events)) {
      await opened().submit(event)
      acks.push([indexOf(event), monotonicMs()])
      await pause(pauseMs)
    }
    return acks
  },
  started: async () => started,
  progress: async () => progress(),
  async close() {
    await running?.close()
    await control?.close()
    return progress()
  },
}

async function timedLoad({ callers, api, first, seconds }: TimedLoad): Promise<LoadReport> {
  const load = (at: number, events: number) => runLoad(opened(), landed, { callers, api, first: at, events })
  let next = first
  const warmUp = async (events: number) => {
    const { landedPerSecond } = await load(next, events)
    next += events
    return landedPerSecond
  }
  const firstRate = await warmUp(api === 'bulk' ? BULK_FIRST_WARMUP_EVENTS : FIRST_WARMUP_EVENTS + callers)
  const eventsMin = callers * (api === 'bulk' ? BULK_ROWS : 1)
  const rate = await warmUp(eventsIn(Math.min(seconds, SECOND_WARMUP_SECONDS), firstRate, eventsMin))
  const events = eventsIn(seconds, rate, eventsMin)
  const meters = await openMeters()
  await meters.control.checkpoint()
  const before = await readCosts(meters)
  isTimed = true
  const figures = await load(next, events)
  await pause(QUIET_MS)
  const costs = costsBetween(before, await readCosts(meters))
  meters.redis?.log.close()
  return { ...figures, ...costs, events, allEvents: next + events - first }
}

function eventsIn(seconds: number, rate: number, eventsMin: number): number {
  return Math.min(EVENTS_MAX, Math.max(Math.round(rate * seconds), eventsMin))
}

async function openMeters(): Promise<Meters> {
  const { direct, databasePid, redisPid } = job
  const redis =
    direct.redis === null || redisPid === null ? null : { log: openRedisLog(direct.redis), pid: redisPid }
  return { control: await openedControl(), databasePid, redis }
}

async function seedSome(events: readonly WatchEvent[]): Promise<void> {
  let next = 0
  const caller = async () => {
    while (next < events.length) {
      const from = next
      next += BULK_ROWS
      await opened().submitMany(events.slice(from, from + BULK_ROWS))
    }
  }
  await Promise.all(Array.from({ length: SEED_CALLERS }, caller))
}

async function openedControl(): Promise<Control> {
  control ??= await openControl(side.engine, job.direct.database)
  return control
}

function opened(): RunningSide {
  if (running === null) throw new Error('the side is not open')
  return running
}

function progress(): Progress {
  return { rows: landed.rows, repeats: landed.repeats, lastAt: landed.lastAt }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

async function reply<Name extends ActionName>({ action, input }: Question<Name>): Promise<Reply> {
  try {
    return { answer: await actions[action](input) }
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

process.on('message', (question: Question) => {
  void reply(question).then((message) => process.send?.(message))
})
process.once('disconnect', () => process.exit())
