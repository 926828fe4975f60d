// Who did what to commands and queues: one row per deed, written in the transaction of the deed.

import { AUDIT_TEXT_MAX, PAGE_ROWS_MAX } from '../../domain/index.js'
import { SpillwayError } from '../../errors/index.js'
import type { AuditNote, AuditRecord, StoreReader } from '../../ports/index.js'
import { type Database, nowSql, type Queryable } from './database.js'

const WRITE = `
insert into @.audit (at, actor, action, target, reason, count)
values ((select ${nowSql(1)}), $2, $3, $4, $5, $6::integer)`

const LIST = `
select lpad(id::text, 19, '0') as id, at::float8 as at, actor, action, target, reason, count from @.audit
where id < $1::bigint order by id desc limit $2`

export const REMOVE_OLD_AUDIT = `
delete from @.audit where id in (
  select id from @.audit where at <= (select ${nowSql(1)}) - $2::bigint order by at limit $3 for update skip locked)`

/** An id as it is shown: with zeros in front, so that texts sort as numbers do. */
const ID = /^\d{1,19}$/
const AFTER_ALL = '9223372036854775807'

/** `count`: commands that were changed; null where no commands are meant. */
export async function writeAudit(
  to: Queryable,
  now: number | null,
  { actor, action, target, reason }: AuditNote,
  count: number | null,
): Promise<void> {
  const texts = [actor, action, target].map(bounded)
  await to.query(WRITE, [now, ...texts, reason === null ? null : bounded(reason), count])
}

export function newAuditListing(db: Database): StoreReader['audit'] {
  return async ({ after = AFTER_ALL, limit }) => {
    if (!ID.test(after))
      throw new SpillwayError('invalid_argument', 'Continue a listing with the `next` of its last page.')
    const wanted = Math.min(Math.max(1, Math.trunc(limit)), PAGE_ROWS_MAX)
    const rows = await db.queryAnew<AuditRecord>(LIST, [after, wanted + 1])
    const items = rows.slice(0, wanted)
    return { items, next: rows.length > wanted ? (items.at(-1)?.id ?? null) : null }
  }
}

/** Without NUL, which PostgreSQL cannot store in a text. */
function bounded(text: string): string {
  return text.replaceAll('\0', '').slice(0, AUDIT_TEXT_MAX)
}
