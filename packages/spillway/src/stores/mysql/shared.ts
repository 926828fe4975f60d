// Small values that processes share. A row outlives its value by a day, so that whoever read the value before is told that it changed, and
// its version goes on from there. A row that is gone for good is begun with the time as its version, which is beyond any that it had.

import { SHARED_BYTES_MAX } from '../../domain/index.js'
import { SpillwayError } from '../../errors/index.js'
import type { SharedSnapshot, SharedWrite, StoreShared } from '../../ports/index.js'
import type { RunResult } from './enlist/index.js'
import { rowsOf, select } from './select.js'
import type { Session } from './session.js'
import { integer, text, textList } from './sql-text.js'

interface SharedRow {
  readonly name: string
  readonly value: string
  readonly version: number
}

/** How long a row stays after its value was removed or expired. */
const KEPT_MS = 86_400_000
/** Keys of one page. */
const KEYS_MAX = 1_000

export function newShared(session: Session): StoreShared {
  return {
    async read(keys) {
      return snapshotOf(keys, await session.send(readSql(keys, session.now())))
    },
    async write(writes) {
      if (writes.length === 0) return []
      for (const { key, value } of writes) assertSize(key, value)
      const now = session.now()
      // One order for everybody, or two calls could wait for each other.
      const order = [...writes.keys()].sort((a, b) => compare(writes[a]?.key ?? '', writes[b]?.key ?? ''))
      const results = await session.transaction((transaction) =>
        transaction.finish(order.map((place) => writeSql(writes[place] as SharedWrite, now))),
      )
      const verdicts = new Array<'ok' | 'stale'>(writes.length).fill('stale')
      for (const [at, place] of order.entries()) {
        if (results[at]?.affected !== 0) verdicts[place] = 'ok'
      }
      return verdicts
    },
    async keys(prefix, limit, after) {
      const rows = await select<{ name: string }>(session, keysSql(prefix, limit, after, session.now()))
      return rows.map(({ name }) => name)
    },
  }
}

/** `now` is SQL. */
export function forgetSharedSql(limit: number, now: string): string {
  return `delete from spillway_shared where expires_at <= ${now} - ${KEPT_MS} order by expires_at limit ${integer(limit)}`
}

function readSql(keys: readonly string[], now: string): string[] {
  const clock = `select ${now} as now`
  if (keys.length === 0) return [clock]
  return [
    clock,
    `
select convert(name using utf8mb4) as name, value, version from spillway_shared
where name in ${textList(keys)} and expires_at > ${now}`,
  ]
}

function snapshotOf(keys: readonly string[], [clock, found]: readonly RunResult[]): SharedSnapshot {
  const rows = found === undefined ? [] : rowsOf<SharedRow>(found)
  const byName = new Map(rows.map(({ name, value, version }) => [name, { value, version }]))
  return { values: keys.map((key) => byName.get(key) ?? null), now: Number(clock?.rows[0]?.now) }
}

/** Changes no row when somebody else wrote since. A value that was removed has expired. Assignments are made from left to right. */
function writeSql({ key, value, version, ttlMs }: SharedWrite, now: string): string {
  const expiresAt = value === null ? now : `${now} + ${integer(ttlMs)}`
  if (version > 0) {
    return `
update spillway_shared set value = ${text(value)}, version = version + 1, expires_at = ${expiresAt}
where name = ${text(key)} and version = ${integer(version)} and expires_at > ${now}`
  }
  const free = `expires_at <= ${now}`
  return `
insert into spillway_shared (name, value, version, expires_at)
values (${text(key)}, ${text(value)}, ${now}, ${expiresAt})
on duplicate key update version = if(${free}, version + 1, version), value = if(${free}, values(value), value),
  expires_at = if(${free}, values(expires_at), expires_at)`
}

function keysSql(prefix: string, limit: number, after: string | undefined, now: string): string {
  const from = Buffer.from(prefix)
  const conditions = [`name >= ${bytes(from)}`, `expires_at > ${now}`]
  const to = Buffer.from(from)
  // No byte of UTF-8 is the highest there is, so that the next prefix differs in the last byte alone.
  if (to.length > 0) conditions.push(`name < ${bytes(to.fill((to.at(-1) ?? 0) + 1, to.length - 1))}`)
  if (after !== undefined) conditions.push(`name > ${bytes(Buffer.from(after))}`)
  return `
select convert(name using utf8mb4) as name from spillway_shared
where ${conditions.join(' and ')} order by spillway_shared.name limit ${integer(Math.min(limit, KEYS_MAX))}`
}

function bytes(buffer: Buffer): string {
  return `unhex('${buffer.toString('hex')}')`
}

function assertSize(key: string, value: string | null): void {
  if (value === null || Buffer.byteLength(value) <= SHARED_BYTES_MAX) return
  throw new SpillwayError(
    'invalid_argument',
    `Share at most ${SHARED_BYTES_MAX} bytes under one key: '${key}' has ${Buffer.byteLength(value)}.`,
  )
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
