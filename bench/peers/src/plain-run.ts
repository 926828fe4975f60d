// The run most sections are made of: one process that submits and works, a warm-up, a timed load, a look into the table.

import { onFreshSite } from './arena.js'
import type { Bed } from './bed.js'
import type { LoadReport, TimedLoad } from './side-actions.js'
import type { ServerUrls } from './sides/side.js'
import type { SideName } from './sides/side-names.js'
import { verify, verifyWritten } from './verify.js'

export interface PlainRun extends Pick<TimedLoad, 'callers' | 'api' | 'seconds'> {
  readonly side: SideName
  /** Commands in place before the worker starts. Default 0. */
  readonly backlog?: number
  readonly failPercent?: number
  /** The way to the servers, if it is not the direct one. */
  readonly via?: (urls: ServerUrls) => ServerUrls
}

export function plainRun(bed: Bed, run: PlainRun): Promise<LoadReport> {
  const { backlog = 0, failPercent = 0, via = (urls) => urls } = run
  return onFreshSite(bed, run.side, async ({ start, urls, content }) => {
    if (backlog > 0) {
      const seeding = start({ role: 'submit' })
      await seeding.ask('install', null)
      await seeding.ask('open', null)
      await seeding.ask('seed', { first: 0, events: backlog })
      await seeding.ask('close', null)
      await seeding.end()
    }
    const process = start({ urls: via(urls), failPercent })
    if (backlog === 0) await process.ask('install', null)
    await process.ask('open', null)
    const { callers, api, seconds } = run
    const report = await process.ask('load', { callers, api, seconds, first: backlog })
    const written = await process.ask('close', null)
    const table = await content()
    // With a backlog nobody waits for the rest of it: what has landed must be right, not complete.
    if (backlog === 0) verify(table, report.allEvents, written)
    else verifyWritten(table.rows, written)
    return report
  })
}
