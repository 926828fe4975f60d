// What every side writes: an event of about 200 bytes into one and the same table, with a text primary key and one
// secondary index. Values travel as they are; no side has a cheaper row than another.

import { makeEvent, type WatchEvent } from 'spillway-bench/watch-event'

export type { WatchEvent } from 'spillway-bench/watch-event'

export const COLUMNS = [
  'event_id',
  'user_id',
  'course_id',
  'video_id',
  'position_ms',
  'watched_at',
  'client',
] as const

export type Row = Readonly<Record<(typeof COLUMNS)[number], string | number>>

export function rowOf(event: WatchEvent): Row {
  return {
    event_id: event.eventId,
    user_id: event.userId,
    course_id: event.courseId,
    video_id: event.videoId,
    position_ms: event.positionMs,
    watched_at: event.watchedAt,
    client: event.client,
  }
}

export function makeEvents(first: number, count: number): WatchEvent[] {
  return Array.from({ length: count }, (_, index) => makeEvent(first + index))
}

/** The place of an event in its sequence, from its id. */
export function indexOf(event: WatchEvent): number {
  return Number(event.eventId.slice(event.eventId.indexOf('-') + 1))
}

/** What the table must add up to when it holds exactly these events: positions differ, so a wrong row shows. */
export function positionSum(first: number, count: number): number {
  let sum = 0
  for (let index = first; index < first + count; index++) sum += makeEvent(index).positionMs
  return sum
}
