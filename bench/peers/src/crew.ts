// The processes of a side that get commands from where they were submitted into the table.

import type { AgentProcess } from './agent-process.js'
import type { Site } from './arena.js'
import type { Progress } from './side-actions.js'
import type { SideProcess } from './side-process-handle.js'

export interface Crew {
  readonly agent: AgentProcess | null
  /** Null where the agent executes. */
  readonly worker: SideProcess | null
  /** Resolves with the time by monotonicMs() at which so many rows had landed. */
  landed(rows: number): Promise<number>
  close(): Promise<Progress>
}

const LOOK_EVERY_MS = 10
const STUCK_MS = 60_000

export async function openCrew(site: Site): Promise<Crew> {
  const { broker, hasJournal } = site.side
  const worker = hasJournal === true && broker === undefined ? null : site.start({ role: 'work' })
  if (worker !== null) await worker.ask('open', null)
  const agent = hasJournal === true ? site.startAgent() : null
  const landing = (worker ?? agent) as SideProcess
  return {
    ...{ agent, worker },
    landed: (rows) => landedIn(landing, rows),
    async close() {
      const progress = await landing.ask('progress', null)
      await agent?.stop()
      return worker === null ? progress : worker.ask('close', null)
    },
  }
}

/** Gives up when nothing has landed for a while. */
async function landedIn(process: SideProcess, wanted: number): Promise<number> {
  let seen = -1
  let seenAt = performance.now()
  for (;;) {
    const { rows, lastAt } = await process.ask('progress', null)
    if (rows >= wanted) return lastAt
    if (rows > seen) [seen, seenAt] = [rows, performance.now()]
    else if (performance.now() - seenAt > STUCK_MS)
      throw new Error(`${rows} of ${wanted} rows landed, and none for ${STUCK_MS / 1_000} s`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
}
