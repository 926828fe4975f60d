// Queues as rows: how they are set up and what waits in them.

import { systemClock } from '../runtime/index.js'
import { jsonLine } from './printable.js'
import { type Column, writeTable } from './table.js'
import type { QueueRecord } from './target/records.js'
import type { Output } from './terminal.js'

const COUNTS = ['ready', 'running', 'scheduled', 'retrying', 'failed', 'dead', 'cancelled'] as const

const COLUMNS: readonly Column<QueueRecord>[] = [
  { heading: 'queue', cell: ({ queue }) => queue },
  { heading: 'channel', cell: ({ channel }) => channel },
  { heading: 'work', cell: ({ paused }) => (paused ? 'paused' : 'on') },
  ...COUNTS.map((count) => ({
    heading: count,
    cell: (queue: QueueRecord) => String(queue[count]),
    right: true,
  })),
  {
    heading: 'oldest',
    cell: ({ oldestReadyAt }) => (oldestReadyAt === null ? '' : age(oldestReadyAt)),
    right: true,
  },
]

export function writeQueues(output: Output, queues: readonly QueueRecord[], json: boolean): void {
  if (json) for (const queue of queues) output.line(jsonLine(queue))
  else writeTable(output, COLUMNS, queues)
}

/** The counts that are not zero, on one line. */
export function queueSummary(queue: QueueRecord): string {
  const counts = COUNTS.filter((count) => queue[count] > 0).map((count) => `${count} ${queue[count]}`)
  const state = queue.paused ? ['paused'] : []
  return [...state, ...counts].join('  ') || 'idle'
}

function age(since: string): string {
  const seconds = Math.max(0, Math.round((systemClock.now() - Date.parse(since)) / 1_000))
  if (seconds < 120) return `${seconds}s`
  return seconds < 7_200 ? `${Math.round(seconds / 60)}m` : `${Math.round(seconds / 3_600)}h`
}
