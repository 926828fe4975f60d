// Who takes what this process's journals hold to where it belongs. A process that accepts to a spool that nobody ships looks healthy, and
// nothing it accepts is ever executed: that is said at the start, with the command that changes it.

import { lockHolder, nodeFiles, nodeProcesses } from '../../journal/index.js'
import type { ProcessMark, Telemetry } from '../../ports/index.js'
import { systemClock } from '../../runtime/index.js'

/** One line per spool. */
export async function recordShippers(telemetry: Telemetry, spools: readonly string[]): Promise<void> {
  for (const spool of spools) {
    const holder = await holderOf(spool)
    const what =
      holder === null
        ? 'journal: nobody ships this spool yet. Run: spillway agent (on this host, beside this process)'
        : `journal: process ${holder.pid} ships this spool`
    telemetry.record({ event: 'lifecycle', what, details: { spool } })
  }
}

/** Whoever cannot look leaves it open: what is wrong with the folder was told by what writes to it. */
async function holderOf(spool: string): Promise<ProcessMark | null> {
  try {
    return await lockHolder({ files: nodeFiles, processes: nodeProcesses, clock: systemClock, spool })
  } catch {
    return null
  }
}
