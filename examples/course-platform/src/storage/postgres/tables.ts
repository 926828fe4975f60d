// The platform's tables in PostgreSQL. One statement inserts the clicks and counts those that were new; both in one order,
// because two workers that lock the same rows in different orders end in a deadlock.

import type { Pool, PoolClient } from 'pg'
import type { Click } from '../../clicks.js'
import type { PlatformTables } from '../storage.js'

/** With their schema's name: a user who is called like Spillway's schema would find, and make, tables there first. */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS public.clicks (
    id       text PRIMARY KEY,
    course   text NOT NULL,
    student  integer NOT NULL,
    material integer NOT NULL,
    day      integer NOT NULL,
    clicks   integer NOT NULL
  );
  CREATE INDEX IF NOT EXISTS clicks_by_material ON public.clicks (material);
  CREATE TABLE IF NOT EXISTS public.course_views (
    course  text PRIMARY KEY,
    records integer NOT NULL,
    views   integer NOT NULL
  );
`

/** One at a time: IF NOT EXISTS does not keep two processes from making the same table at once. */
const SCHEMA_LOCK = 740_011

const RECORD = `
  WITH landed AS (
    INSERT INTO public.clicks (id, course, student, material, day, clicks)
    SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::int[], $6::int[]) AS sent (id)
    ORDER BY sent.id
    ON CONFLICT (id) DO NOTHING
    RETURNING course, clicks
  )
  INSERT INTO public.course_views AS counted (course, records, views)
  SELECT course, count(*), sum(clicks) FROM landed GROUP BY course ORDER BY course
  ON CONFLICT (course) DO UPDATE
  SET records = counted.records + excluded.records, views = counted.views + excluded.views`

export function postgresTables(pool: Pool): PlatformTables {
  return {
    async create() {
      const client = await pool.connect()
      try {
        await client.query(`BEGIN; SELECT pg_advisory_xact_lock(${SCHEMA_LOCK}); ${SCHEMA} COMMIT`)
      } finally {
        client.release()
      }
    },
    record: (tx: PoolClient, clicks) => recordOn(tx, clicks),
    recordAlone: (clicks) => recordOn(pool, clicks),
    async viewsOf(course) {
      const { rows } = await pool.query(
        'SELECT course, records, views FROM public.course_views WHERE course = $1',
        [course],
      )
      return rows[0] ?? null
    },
    allViews: async () => (await pool.query('SELECT course, records, views FROM public.course_views')).rows,
    async countLanded() {
      const { rows } = await pool.query(
        'SELECT coalesce(sum(records), 0)::integer AS landed FROM public.course_views',
      )
      return rows[0].landed
    },
    clicks: async () =>
      (await pool.query('SELECT id, course, student, material, day, clicks FROM public.clicks')).rows,
  }
}

async function recordOn(connection: Pool | PoolClient, clicks: readonly Click[]): Promise<void> {
  const columns = ['id', 'course', 'student', 'material', 'day', 'clicks'] as const
  await connection.query({
    name: 'record-clicks',
    text: RECORD,
    values: columns.map((column) => clicks.map((click) => click[column])),
  })
}
