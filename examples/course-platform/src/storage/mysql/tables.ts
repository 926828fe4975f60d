// The platform's tables in MySQL, which cannot say which rows an INSERT really inserted: the clicks that are there already are
// read and locked first, and only the others are inserted and counted. Everything in one order, because two workers that lock
// the same rows in different orders end in a deadlock.

import type { Connection, Pool, RowDataPacket } from 'mysql2/promise'
import type { Click } from '../../clicks.js'
import type { PlatformTables, ViewCount } from '../storage.js'

const SCHEMA = [
  `CREATE TABLE IF NOT EXISTS clicks (
    id       varchar(64) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY,
    course   varchar(32) NOT NULL,
    student  int NOT NULL,
    material int NOT NULL,
    day      int NOT NULL,
    clicks   int NOT NULL,
    KEY clicks_by_material (material)
  ) ENGINE = InnoDB`,
  `CREATE TABLE IF NOT EXISTS course_views (
    course  varchar(32) PRIMARY KEY,
    records int NOT NULL,
    views   int NOT NULL
  ) ENGINE = InnoDB`,
]

/** Another transaction had the rows, or inserted the same click in the same moment. */
const TRY_AGAIN = new Set(['ER_LOCK_DEADLOCK', 'ER_LOCK_WAIT_TIMEOUT', 'ER_DUP_ENTRY'])
const TRIES_MAX = 10

export function mysqlTables(pool: Pool): PlatformTables {
  return {
    async create() {
      for (const statement of SCHEMA) await pool.query(statement)
    },
    record: (tx: Connection, clicks) => recordClicks(tx, clicks),
    async recordAlone(clicks) {
      for (let tries = 1; ; tries += 1) {
        try {
          return await recordInTransaction(pool, clicks)
        } catch (error) {
          if (tries >= TRIES_MAX || !TRY_AGAIN.has((error as { code?: string }).code ?? '')) throw error
        }
      }
    },
    async viewsOf(course) {
      const [rows] = await pool.query<(ViewCount & RowDataPacket)[]>(
        'SELECT course, records, views FROM course_views WHERE course = ?',
        [course],
      )
      return rows[0] ?? null
    },
    async allViews() {
      const [rows] = await pool.query<(ViewCount & RowDataPacket)[]>(
        'SELECT course, records, views FROM course_views',
      )
      return rows
    },
    async countLanded() {
      const [rows] = await pool.query<RowDataPacket[]>(
        'SELECT CAST(coalesce(sum(records), 0) AS SIGNED) AS landed FROM course_views',
      )
      return rows[0]?.landed
    },
    async clicks() {
      const [rows] = await pool.query<(Click & RowDataPacket)[]>(
        'SELECT id, course, student, material, day, clicks FROM clicks',
      )
      return rows
    },
  }
}

async function recordInTransaction(pool: Pool, clicks: readonly Click[]): Promise<void> {
  const connection = await pool.getConnection()
  try {
    await connection.query('SET TRANSACTION ISOLATION LEVEL READ COMMITTED')
    await connection.beginTransaction()
    await recordClicks(connection, clicks)
    await connection.commit()
  } catch (error) {
    await connection.rollback()
    throw error
  } finally {
    connection.release()
  }
}

async function recordClicks(connection: Connection, clicks: readonly Click[]): Promise<void> {
  const sent = new Map(clicks.map((click) => [click.id, click]))
  const ids = [...sent.keys()].sort()
  const [known] = await connection.query<(Click & RowDataPacket)[]>(
    'SELECT id FROM clicks WHERE id IN (?) ORDER BY id FOR UPDATE',
    [ids],
  )
  for (const { id } of known) sent.delete(id)
  const fresh = ids.flatMap((id) => sent.get(id) ?? [])
  if (fresh.length === 0) return
  await connection.query('INSERT INTO clicks (id, course, student, material, day, clicks) VALUES ?', [
    fresh.map(({ id, course, student, material, day, clicks: times }) => [
      id,
      course,
      student,
      material,
      day,
      times,
    ]),
  ])
  await connection.query(
    `INSERT INTO course_views (course, records, views) VALUES ?
     ON DUPLICATE KEY UPDATE records = records + VALUES(records), views = views + VALUES(views)`,
    [countsOf(fresh)],
  )
}

function countsOf(clicks: readonly Click[]): (string | number)[][] {
  const counts = new Map<string, { records: number; views: number }>()
  for (const { course, clicks: times } of clicks) {
    const count = counts.get(course) ?? { records: 0, views: 0 }
    counts.set(course, { records: count.records + 1, views: count.views + times })
  }
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([course, count]) => [course, count.records, count.views])
}
