// Who did what to commands and queues: written in the commit of what was done, read newest first.

import { AUDIT_TEXT_MAX, PAGE_ROWS_MAX } from '../../domain/index.js'
import { SpillwayError } from '../../errors/index.js'
import type { AuditNote, AuditRecord, AuditRequest } from '../../ports/index.js'
import type { Connection } from './connection.js'
import { select } from './select.js'
import { integer, text } from './sql-text.js'

interface AuditRow extends Omit<AuditRecord, 'id'> {
  readonly id: number
}

export interface AuditPage {
  readonly items: readonly AuditRecord[]
  readonly next: string | null
}

/** `now` is SQL. */
export function auditSql(
  { actor, action, target, reason }: AuditNote,
  count: number | null,
  now: string,
): string {
  const texts = [actor, action, target, reason].map((value) => text(value?.slice(0, AUDIT_TEXT_MAX) ?? null))
  return `
insert into spillway_audit (at, actor, action, target, reason, commands) values (${now}, ${texts.join(', ')}, ${integer(count)})`
}

export async function listAudit(db: Connection, { after, limit }: AuditRequest): Promise<AuditPage> {
  const count = Math.min(Math.max(1, Math.trunc(limit)), PAGE_ROWS_MAX)
  const rows = await select<AuditRow>(db, pageSql(after, count + 1))
  const items = rows.slice(0, count).map((row) => ({ ...row, id: String(row.id) }))
  return { items, next: rows.length > count ? (items.at(-1)?.id ?? null) : null }
}

function pageSql(after: string | undefined, limit: number): string {
  if (after !== undefined && !/^\d{1,16}$/.test(after)) {
    throw new SpillwayError('invalid_argument', 'Continue a listing with the `next` of its last page.')
  }
  return `
select id, at, actor, action, target, reason, commands as count from spillway_audit
${after === undefined ? '' : `where id < ${after}`} order by id desc limit ${integer(limit)}`
}

/** Removes the oldest rows, some at a time. `now` is SQL. */
export function forgetAuditSql(retentionMs: number, limit: number, now: string): string {
  return `delete from spillway_audit where at <= ${now} - ${integer(retentionMs)} order by at limit ${integer(limit)}`
}
