// Queues as rows: how they are set up and what waits in them.

import { ago } from './age.js'
import { jsonLine, printable } from './printable.js'
import { type Column, writeTable } from './table.js'
import type { QueueRecord, QueueSettingsRecord } from './target/records.js'
import type { Output } from './terminal.js'

const COUNTS = [
  'ready',
  'running',
  'scheduled',
  'retrying',
  'reconciling',
  'pending',
  'blocked',
  'compensating',
  'failed',
  'dead',
  'cancelled',
  'compensated',
] as const

type Count = (typeof COUNTS)[number]

/** Columns that are shown only where there is something in them: most queues have no such commands. */
const RARE: ReadonlySet<Count> = new Set([
  'reconciling',
  'pending',
  'blocked',
  'compensating',
  'compensated',
] as const)

const BEFORE: readonly Column<QueueRecord>[] = [
  { heading: 'queue', cell: ({ queue }) => queue },
  { heading: 'channel', cell: channelOf },
  { heading: 'work', cell: ({ paused }) => (paused ? 'paused' : 'on') },
]

const AFTER: readonly Column<QueueRecord>[] = [
  {
    heading: 'oldest',
    cell: ({ oldestReadyAt }) => (oldestReadyAt === null ? '' : ago(oldestReadyAt)),
    right: true,
  },
  { heading: 'ready kB', cell: ({ readyBytes }) => kilobytes(readyBytes), right: true },
  { heading: 'limit', cell: ({ leasesMax }) => (leasesMax === null ? '' : String(leasesMax)), right: true },
  { heading: 'reason', cell: ({ pauseReason }) => pauseReason ?? '' },
]

/** Columns about messages on a broker, where a queue comes by one. */
const ON_BROKER: readonly Column<QueueRecord>[] = [
  { heading: 'on broker', cell: ({ broker }) => String(broker?.waiting ?? ''), right: true },
  { heading: 'unreadable', cell: ({ broker }) => String(broker?.refused || ''), right: true },
]

/** By which broker, where it is one. */
function channelOf({ channel, broker }: QueueRecord): string {
  if (broker === null) return channel
  return channel === 'broker' ? broker.name : `${channel}, ${broker.name}`
}

function columnsFor(queues: readonly QueueRecord[]): readonly Column<QueueRecord>[] {
  const shown = COUNTS.filter((count) => !RARE.has(count) || queues.some((queue) => queue[count] > 0))
  const counts = shown.map((count) => ({
    heading: count,
    cell: (queue: QueueRecord) => String(queue[count]),
    right: true,
  }))
  const onBroker = queues.some(({ broker }) => broker !== null) ? ON_BROKER : []
  return [...BEFORE, ...onBroker, ...counts, ...AFTER]
}

function kilobytes(bytes: number): string {
  return bytes === 0 ? '' : String(Math.ceil(bytes / 1_000))
}

export function writeQueues(output: Output, queues: readonly QueueRecord[], json: boolean): void {
  if (json) for (const queue of queues) output.line(jsonLine(queue))
  else writeTable(output, columnsFor(queues), queues)
}

/** The counts that are not zero, on one line. */
export function queueSummary(queue: QueueRecord): string {
  const counts = COUNTS.filter((count) => queue[count] > 0).map((count) => `${count} ${queue[count]}`)
  const reason = queue.pauseReason === null ? '' : `: ${queue.pauseReason}`
  const state = queue.paused ? [`paused${reason}`] : []
  return [...state, ...counts].join('  ') || 'idle'
}

/** What every process obeys about a queue from now on. */
export function writeSettings(output: Output, settings: QueueSettingsRecord, json: boolean): void {
  if (json) output.line(jsonLine(settings))
  else output.line(printable(`${settings.queue} ${workOf(settings)}`))
}

function workOf({ paused, pauseReason, leasesMax }: QueueSettingsRecord): string {
  const reason = pauseReason === null ? '' : `: ${pauseReason}`
  const limit = leasesMax === null ? '' : `, at most ${leasesMax} chunks at once`
  return `${paused ? `is paused${reason}` : 'is worked on'}${limit}`
}
