// CPU time of a server: what all its processes have used so far, those that have ended included. Linux only, as /proc is.

import { readdirSync, readFileSync } from 'node:fs'

/** Of `utime` and its like in /proc; 100 on every Linux that Node.js runs on. */
const TICKS_PER_SECOND = 100

interface ProcessTicks {
  readonly parent: number
  /** User and system time, its own and that of its children that have ended. */
  readonly ticks: number
}

export function treeCpuSeconds(root: number): number {
  const processes = new Map<number, ProcessTicks>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const ticks = readTicks(name)
    if (ticks !== null) processes.set(Number(name), ticks)
  }
  let sum = 0
  for (const [pid, { ticks }] of processes) if (isBelow(pid, root, processes)) sum += ticks
  return sum / TICKS_PER_SECOND
}

function isBelow(pid: number, root: number, processes: ReadonlyMap<number, ProcessTicks>): boolean {
  for (let at: number | undefined = pid; at !== undefined && at > 1; at = processes.get(at)?.parent) {
    if (at === root) return true
  }
  return false
}

/** Null when the process has ended in between. */
function readTicks(pid: string): ProcessTicks | null {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return null
  }
}

/** The second field is the name in parentheses and may hold anything: what counts begins after the last parenthesis. */
export function parseStat(stat: string): ProcessTicks {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const field = (number: number) => Number(fields[number - 3] ?? 0)
  return { parent: field(4), ticks: field(14) + field(15) + field(16) + field(17) }
}
