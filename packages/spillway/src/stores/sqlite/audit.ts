// Who did what to commands and queues: one row per deed, written in the transaction of the deed.

import { AUDIT_TEXT_MAX, PAGE_ROWS_MAX } from '../../domain/index.js'
import { SpillwayError } from '../../errors/index.js'
import type { AuditNote, AuditRecord, AuditRequest } from '../../ports/index.js'
import type { SqliteTx } from './client.js'

/** `count`: commands that were changed; null where no commands are meant. Inside a write transaction. */
export type AuditWriter = (note: AuditNote, count: number | null, now: number) => void

export interface AuditPage {
  readonly items: readonly AuditRecord[]
  readonly next: string | null
}

/** Inside a read transaction. */
export type AuditListing = (request: AuditRequest) => AuditPage

export interface OldAudit {
  /** Inside a read transaction. */
  any(until: number): boolean
  /** Inside a write transaction. */
  remove(until: number, limit: number): void
}

/** An id as it is shown: with zeros in front, so that texts sort as numbers do. */
const ID = /^\d{1,16}$/
const ID_LENGTH = 16

export function prepareAuditWriter(db: SqliteTx): AuditWriter {
  const insert = db.prepare(
    'insert into spillway_audit (at, actor, action, target, reason, count) values (?1, ?2, ?3, ?4, ?5, ?6)',
  )
  return ({ actor, action, target, reason }, count, now) => {
    const [who, what, whom] = [actor, action, target].map(bounded) as [string, string, string]
    insert.run(now, who, what, whom, reason === null ? null : bounded(reason), count)
  }
}

export function prepareAuditListing(db: SqliteTx): AuditListing {
  const before = db.prepare(`
    select seq as id, at, actor, action, target, reason, count from spillway_audit
    where seq < ?1 order by seq desc limit ?2`)
  return ({ after, limit }) => {
    if (after !== undefined && !ID.test(after))
      throw new SpillwayError('invalid_argument', 'Continue a listing with the `next` of its last page.')
    const wanted = Math.min(Math.max(1, Math.trunc(limit)), PAGE_ROWS_MAX)
    const rows = before.all(Number(after ?? Number.MAX_SAFE_INTEGER), wanted + 1) as AuditRecord[]
    const items = rows
      .slice(0, wanted)
      .map((row) => ({ ...row, id: String(row.id).padStart(ID_LENGTH, '0') }))
    return { items, next: rows.length > wanted ? (items.at(-1)?.id ?? null) : null }
  }
}

export function prepareOldAudit(db: SqliteTx): OldAudit {
  const any = db.prepare('select 1 from spillway_audit where at <= ?1 limit 1')
  const remove = db.prepare(
    'delete from spillway_audit where seq in (select seq from spillway_audit where at <= ?1 order by at, seq limit ?2)',
  )
  return {
    any: (until) => any.get(until) !== undefined,
    remove: (until, limit) => void remove.run(until, limit),
  }
}

/** Without NUL, which one of the two drivers would take for the end. */
function bounded(text: string): string {
  return text.replaceAll('\0', '').slice(0, AUDIT_TEXT_MAX)
}
