// The user's table on each engine and the statements with which handlers and plain inserts fill it. A repeat by key is
// ignored by everybody, as at-least-once delivery demands of a handler; how many repeats there were is counted.

import { COLUMNS, type WatchEvent } from './watch-events.js'

export const BULK_ROWS = 1_000

const LIST = COLUMNS.join(', ')
const UNNEST_TYPES = ['text[]', 'int[]', 'int[]', 'int[]', 'int[]', 'text[]', 'text[]'] as const

export const POSTGRES_TABLE = `
  CREATE TABLE watch_events (
    event_id    text PRIMARY KEY,
    user_id     integer NOT NULL,
    course_id   integer NOT NULL,
    video_id    integer NOT NULL,
    position_ms integer NOT NULL,
    watched_at  text NOT NULL,
    client      text NOT NULL
  );
  CREATE INDEX watch_events_by_user ON watch_events (user_id);
`

export const MARIADB_TABLE = `
  CREATE TABLE watch_events (
    event_id    varchar(30) NOT NULL PRIMARY KEY,
    user_id     int NOT NULL,
    course_id   int NOT NULL,
    video_id    int NOT NULL,
    position_ms int NOT NULL,
    watched_at  varchar(30) NOT NULL,
    client      varchar(100) NOT NULL,
    KEY watch_events_by_user (user_id)
  ) ENGINE = InnoDB CHARACTER SET ascii COLLATE ascii_bin
`

export const POSTGRES_INSERT_ONE = `INSERT INTO watch_events (${LIST})
  VALUES (${COLUMNS.map((_, index) => `$${index + 1}`).join(', ')}) ON CONFLICT (event_id) DO NOTHING`

export const POSTGRES_INSERT_MANY = `INSERT INTO watch_events (${LIST})
  SELECT * FROM unnest(${UNNEST_TYPES.map((type, index) => `$${index + 1}::${type}`).join(', ')})
  ON CONFLICT (event_id) DO NOTHING`

export const MARIADB_INSERT_ONE = `INSERT IGNORE INTO watch_events (${LIST})
  VALUES (${COLUMNS.map(() => '?').join(', ')})`

/** For mysql2's `query`, which expands the list of rows. */
export const MARIADB_INSERT_MANY = `INSERT IGNORE INTO watch_events (${LIST}) VALUES ?`

export function valuesOf(event: WatchEvent): (string | number)[] {
  const { eventId, userId, courseId, videoId, positionMs, watchedAt, client } = event
  return [eventId, userId, courseId, videoId, positionMs, watchedAt, client]
}

/** One array per column, for unnest. */
export function columnArrays(events: readonly WatchEvent[]): (string | number)[][] {
  return [
    events.map((event) => event.eventId),
    events.map((event) => event.userId),
    events.map((event) => event.courseId),
    events.map((event) => event.videoId),
    events.map((event) => event.positionMs),
    events.map((event) => event.watchedAt),
    events.map((event) => event.client),
  ]
}
