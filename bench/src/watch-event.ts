// What is written in every comparison: an event of about 200 bytes of JSON into a table with a text primary key and one
// secondary index. Both sides land the same rows in the same table.

import { defineCommand, into } from 'spillway'
import { z } from 'zod'

export const watchEvent = z.object({
  eventId: z.string(),
  userId: z.int(),
  courseId: z.int(),
  videoId: z.int(),
  positionMs: z.int(),
  watchedAt: z.string(),
  client: z.string(),
})

export type WatchEvent = z.infer<typeof watchEvent>

export const TABLE = `
  CREATE TABLE IF NOT EXISTS watch_events (
    event_id    TEXT PRIMARY KEY,
    user_id     INTEGER NOT NULL,
    course_id   INTEGER NOT NULL,
    video_id    INTEGER NOT NULL,
    position_ms INTEGER NOT NULL,
    watched_at  TEXT NOT NULL,
    client      TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS watch_events_by_user ON watch_events (user_id);
`

const COLUMNS = [
  'event_id',
  'user_id',
  'course_id',
  'video_id',
  'position_ms',
  'watched_at',
  'client',
] as const

export type Row = readonly [string, number, number, number, number, string, string]

const FIRST_WATCHED_AT = 1_700_000_000_000
const CLIENT = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0'

export function makeEvent(index: number): WatchEvent {
  return {
    eventId: `e-${String(index).padStart(9, '0')}`,
    userId: (index * 7_919) % 5_003,
    courseId: index % 97,
    videoId: index % 1_013,
    positionMs: (index * 37) % 3_600_000,
    watchedAt: new Date(FIRST_WATCHED_AT + index).toISOString(),
    client: CLIENT,
  }
}

export function rowOf(event: WatchEvent): Row {
  const { eventId, userId, courseId, videoId, positionMs, watchedAt, client } = event
  return [eventId, userId, courseId, videoId, positionMs, watchedAt, client]
}

export const recordWatch = defineCommand({
  name: 'watch.record',
  input: watchEvent,
  idempotencyKey: (event) => event.eventId,
  batch: { maxSize: 1_000 },
  handleBatch: into<WatchEvent>('watch_events', {
    key: ['event_id'],
    columns: COLUMNS,
    onConflict: 'ignore',
    map: (event) => ({
      event_id: event.eventId,
      user_id: event.userId,
      course_id: event.courseId,
      video_id: event.videoId,
      position_ms: event.positionMs,
      watched_at: event.watchedAt,
      client: event.client,
    }),
  }),
})

/** Ignores repeats by key, as Spillway's sink does. */
export function insertSql(rows: number): string {
  const row = `(${COLUMNS.map(() => '?').join(', ')})`
  return `INSERT INTO watch_events (${COLUMNS.join(', ')}) VALUES ${new Array(rows).fill(row).join(', ')}
          ON CONFLICT (event_id) DO NOTHING`
}
