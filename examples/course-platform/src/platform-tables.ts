// The platform's own tables and the one write they see. The view count is derived from the clicks that were really
// inserted, in the same transaction, so a repeated click can neither land twice nor count twice.

import type { SqliteStatement, SqliteTx, SqliteValue } from 'spillway/sqlite'
import type { Click } from './clicks.js'

/** What the writes need of a connection: the platform's own one, or the transaction that a handler is given. */
export type Database = SqliteTx

export interface ViewCount {
  readonly course: string
  /** Click records counted. */
  readonly records: number
  /** Clicks in them: one record is a student's clicks on one material on one day. */
  readonly views: number
}

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

export function createPlatformTables(database: Database): void {
  database.exec(SCHEMA)
}

/** Needs an open transaction. */
export function recordClicks(database: Database, clicks: readonly Click[]): void {
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

export function recordClicksInTransaction(database: Database, clicks: readonly Click[]): void {
  database.exec('BEGIN IMMEDIATE')
  try {
    recordClicks(database, clicks)
    database.exec('COMMIT')
  } catch (error) {
    database.exec('ROLLBACK')
    throw error
  }
}

export function readViews(database: Database, course: string): ViewCount | null {
  const row = statementsOf(database).viewsOfCourse.get(course) as ViewCount | undefined
  return row === undefined ? null : { course: row.course, records: row.records, views: row.views }
}

export function allViews(database: Database): ViewCount[] {
  return database.prepare('SELECT course, records, views FROM course_views').all() as ViewCount[]
}

/** Click records that have landed, read from the counts because counting a large table is slow. */
export function countLanded(database: Database): number {
  const row = statementsOf(database).landed.get() as { landed: number }
  return row.landed
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
