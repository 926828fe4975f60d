// A load: so many events, by so many callers who each wait for their answer before they send the next, until the last row is
// in the user's table.

import { percentiles } from 'spillway-bench/measure'
import type { LandedCount } from './landed-count.js'
import { monotonicMs } from './monotonic.js'
import type { SubmitReport } from './side-actions.js'
import type { RunningSide } from './sides/side.js'
import { BULK_ROWS } from './tables.js'
import { makeEvents, type WatchEvent } from './watch-events.js'

export interface Load {
  readonly callers: number
  /** `bulk`: every call hands over a thousand events through the side's own bulk API. */
  readonly api: 'single' | 'bulk'
  readonly first: number
  readonly events: number
}

export interface LoadFigures {
  readonly ackP50Ms: number
  readonly ackP99Ms: number
  readonly acceptedPerSecond: number
  readonly landedPerSecond: number
}

/** A side that lands fewer rows a second than this is stuck. */
const ROWS_PER_SECOND_MIN = 50
const LANDED_WITHIN_MS_MIN = 60_000

export async function runLoad(side: RunningSide, landed: LandedCount, load: Load): Promise<LoadFigures> {
  const { calls, call } = callsOf(side, load)
  const withinMs = LANDED_WITHIN_MS_MIN + (load.events / ROWS_PER_SECOND_MIN) * 1_000
  const allLanded = landed.reached(landed.rows + load.events, withinMs)
  // Awaited below; a caller that fails before must not leave a second failure behind.
  allLanded.catch(() => {})
  const startedAt = monotonicMs()
  const durationsMs = await callAll(calls, load.callers, call)
  const ackedAt = monotonicMs()
  const landedAt = Math.max(await allLanded, ackedAt)
  return {
    ...percentiles(durationsMs),
    acceptedPerSecond: (load.events / (ackedAt - startedAt)) * 1_000,
    landedPerSecond: (load.events / (landedAt - startedAt)) * 1_000,
  }
}

/** The same without waiting for the rows. */
export function submitOnly(side: RunningSide, load: Load): Promise<SubmitReport> {
  const { calls, call } = callsOf(side, load)
  return submitted(calls, load.callers, call)
}

/** Single submits of these very events. */
export function submitEach(
  side: RunningSide,
  events: readonly WatchEvent[],
  callers: number,
): Promise<SubmitReport> {
  return submitted(events, callers, (event) => side.submit(event as WatchEvent))
}

async function submitted(
  items: readonly unknown[],
  callers: number,
  call: (item: unknown) => Promise<unknown>,
): Promise<SubmitReport> {
  const startedAt = monotonicMs()
  const durationsMs = await callAll(items, callers, call)
  return { ...percentiles(durationsMs), startedAt, ackedAt: monotonicMs() }
}

function callsOf(side: RunningSide, { api, first, events: count }: Load) {
  const events = makeEvents(first, count)
  const call = (
    api === 'single'
      ? (event: WatchEvent) => side.submit(event)
      : (batch: WatchEvent[]) => side.submitMany(batch)
  ) as (item: unknown) => Promise<unknown>
  return { calls: api === 'single' ? events : batchesOf(events), call }
}

async function callAll(
  items: readonly unknown[],
  callers: number,
  call: (item: unknown) => Promise<unknown>,
): Promise<Float64Array> {
  const durationsMs = new Float64Array(items.length)
  let next = 0
  const caller = async () => {
    while (next < items.length) {
      const index = next++
      const startedAt = performance.now()
      await call(items[index])
      durationsMs[index] = performance.now() - startedAt
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  return durationsMs
}

function batchesOf(events: readonly WatchEvent[]): WatchEvent[][] {
  return Array.from({ length: Math.ceil(events.length / BULK_ROWS) }, (_, index) =>
    events.slice(index * BULK_ROWS, (index + 1) * BULK_ROWS),
  )
}
