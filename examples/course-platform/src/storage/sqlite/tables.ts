// The platform's tables in SQLite, whose driver is synchronous: a handler writes and returns within its transaction.

import { setImmediate as turn } from 'node:timers/promises'
import type { SqliteStatement, SqliteTx, SqliteValue } from 'spillway/sqlite'
import type { Click } from '../../clicks.js'
import type { PlatformTables, ViewCount } from '../storage.js'

/** What the writes need of a connection: the platform's own one, or the transaction that a handler is given. */
type Database = SqliteTx

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS clicks (
    id       TEXT PRIMARY KEY,
    course   TEXT NOT NULL,
    student  INTEGER NOT NULL,
    material INTEGER NOT NULL,
    day      INTEGER NOT NULL,
    clicks   INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS clicks_by_material ON clicks (material);
  CREATE TABLE IF NOT EXISTS course_views (
    course  TEXT PRIMARY KEY,
    records INTEGER NOT NULL,
    views   INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
`

/** Rows of one INSERT statement; larger ones gain nothing on SQLite. */
const INSERT_ROWS = 32

export function sqliteTables(database: Database): PlatformTables {
  return {
    create: async () => database.exec(SCHEMA),
    record: recordClicks,
    async recordAlone(clicks) {
      // Requests that arrive together are served one after the other, each in its own turn.
      await turn()
      recordInTransaction(database, clicks)
    },
    viewsOf: async (course) => readViews(database, course),
    allViews: async () =>
      database.prepare('SELECT course, records, views FROM course_views').all() as ViewCount[],
    countLanded: async () => (statementsOf(database).landed.get() as { landed: number }).landed,
    clicks: async () =>
      database.prepare('SELECT id, course, student, material, day, clicks FROM clicks').all() as Click[],
  }
}

/** Needs an open transaction. */
function recordClicks(database: Database, clicks: readonly Click[]): void {
  const { insertMany, insertOne, addViews } = statementsOf(database)
  const counts = new Map<string, { records: number; views: number }>()
  let next = 0
  while (next < clicks.length) {
    const full = clicks.length - next >= INSERT_ROWS
    const rows = clicks.slice(next, next + (full ? INSERT_ROWS : 1))
    const inserted = (full ? insertMany : insertOne).all(...rows.flatMap(valuesOf)) as Inserted[]
    for (const click of inserted) add(counts, click)
    next += rows.length
  }
  for (const [course, { records, views }] of counts) addViews.run(course, records, views)
}

function recordInTransaction(database: Database, clicks: readonly Click[]): void {
  database.exec('BEGIN IMMEDIATE')
  try {
    recordClicks(database, clicks)
    database.exec('COMMIT')
  } catch (error) {
    database.exec('ROLLBACK')
    throw error
  }
}

function readViews(database: Database, course: string): ViewCount | null {
  const row = statementsOf(database).viewsOfCourse.get(course) as ViewCount | undefined
  return row === undefined ? null : { course: row.course, records: row.records, views: row.views }
}

interface Inserted {
  readonly course: string
  readonly clicks: number
}

function add(counts: Map<string, { records: number; views: number }>, click: Inserted): void {
  const count = counts.get(click.course)
  if (count === undefined) {
    counts.set(click.course, { records: 1, views: click.clicks })
  } else {
    count.records += 1
    count.views += click.clicks
  }
}

function valuesOf(click: Click): SqliteValue[] {
  return [click.id, click.course, click.student, click.material, click.day, click.clicks]
}

interface Statements {
  readonly insertMany: SqliteStatement
  readonly insertOne: SqliteStatement
  readonly addViews: SqliteStatement
  readonly viewsOfCourse: SqliteStatement
  readonly landed: SqliteStatement
}

const prepared = new WeakMap<Database, Statements>()

function statementsOf(database: Database): Statements {
  const known = prepared.get(database)
  if (known !== undefined) return known
  const statements: Statements = {
    insertMany: database.prepare(insertOf(INSERT_ROWS)),
    insertOne: database.prepare(insertOf(1)),
    addViews: database.prepare(
      `INSERT INTO course_views (course, records, views) VALUES (?, ?, ?)
       ON CONFLICT (course) DO UPDATE SET records = records + excluded.records, views = views + excluded.views`,
    ),
    viewsOfCourse: database.prepare('SELECT course, records, views FROM course_views WHERE course = ?'),
    landed: database.prepare('SELECT coalesce(sum(records), 0) AS landed FROM course_views'),
  }
  prepared.set(database, statements)
  return statements
}

function insertOf(rows: number): string {
  const values = new Array(rows).fill('(?, ?, ?, ?, ?, ?)').join(', ')
  return `INSERT INTO clicks (id, course, student, material, day, clicks) VALUES ${values}
          ON CONFLICT (id) DO NOTHING RETURNING course, clicks`
}
