// The counterpart's answer to pending commands. Whoever shows the token completes the command it was given for, once: the row is
// looked for, locked together with its chunk, and judged while it is locked.

import { VERB_COMMANDS_MAX } from '../../domain/index.js'
import type { CompletionVerdict, StoreControl, TokenCompletion, VerbOptions } from '../../ports/index.js'
import { appendBeside, lockPartitions } from './append.js'
import { writeAudit } from './audit.js'
import { int4s, int8s, texts } from './columns.js'
import { type Database, nowSql, type Transaction } from './database.js'
import { updateNotes } from './row-notes.js'

const FIND = `
select chunk_id, idx, origin::float8 as origin from @.parked where token_hash = any($1::text[]) and state = 'pending'`

const LOCK_CHUNKS = 'select 1 from @.chunks where seq = any($1::bigint[]) order by seq for update'

const LOCK_ROWS = `
select chunk_id, idx, origin::float8 as origin, token_hash, carrier is not null as "isCarried", stage,
  (select ${nowSql(1)})::float8 as now
from @.parked
where (chunk_id, idx) in (select * from unnest($2::uuid[], $3::integer[])) and token_hash is not null and state = 'pending'
  and token_expires_at > (select ${nowSql(1)})
order by chunk_id, idx for update`

const MOVE = `
select @.move_rows_1($1::bigint, null, $2::text, $3::uuid[], $4::integer[], $5::text[], $6::integer[], $7::bigint[], $8::text[],
  $9::text[], $10::text[])`

interface FoundRow {
  readonly chunk_id: string
  readonly idx: number
  readonly origin: number
}

interface WaitingRow extends FoundRow {
  readonly token_hash: string
  readonly isCarried: boolean
  readonly stage: string | null
  readonly now: number
}

interface Completed {
  readonly row: WaitingRow
  readonly update: TokenCompletion['update']
}

export function newComplete(db: Database): StoreControl['complete'] {
  function some(
    items: readonly TokenCompletion[],
    { audit, appends }: VerbOptions,
  ): Promise<CompletionVerdict[]> {
    return db.transaction(async (tx, hints) => {
      await lockPartitions(tx, appends?.flatMap((append) => append ?? []) ?? [])
      const rows = await holdWaiting(db, tx, items)
      const { verdicts, completed } = judge(items, rows)
      if (completed.length === 0) return verdicts
      await move(tx, completed)
      const following = appends?.filter((_, at) => verdicts[at] === 'ok').flatMap((append) => append ?? [])
      await appendBeside(db, { tx, hints }, following ?? [])
      if (audit !== undefined) await writeAudit(tx, db.now(), audit, completed.length)
      return verdicts
    })
  }

  return async (items, options = {}) => {
    const verdicts: CompletionVerdict[] = []
    for (let from = 0; from < items.length; from += VERB_COMMANDS_MAX) {
      const until = from + VERB_COMMANDS_MAX
      const appends = options.appends?.slice(from, until) ?? []
      verdicts.push(...(await some(items.slice(from, until), { ...options, appends })))
    }
    return verdicts
  }
}

/** Rows whose token has not expired, newest command first. */
async function holdWaiting(
  db: Database,
  tx: Transaction,
  items: readonly TokenCompletion[],
): Promise<WaitingRow[]> {
  const found = await tx.queryAnew<FoundRow>(FIND, [items.map(({ tokenHash }) => tokenHash)])
  if (found.length === 0) return []
  await tx.queryAnew(LOCK_CHUNKS, [[...new Set(found.map(({ origin }) => origin))]])
  const ids = [found.map(({ chunk_id }) => chunk_id), found.map(({ idx }) => idx)]
  const rows = await tx.queryAnew<WaitingRow>(LOCK_ROWS, [db.now(), ...ids])
  return rows.sort((a, b) => b.origin - a.origin || b.idx - a.idx)
}

/** A token is used up by the first that shows it. */
function judge(
  items: readonly TokenCompletion[],
  rows: readonly WaitingRow[],
): { verdicts: CompletionVerdict[]; completed: Completed[] } {
  const left = new Set(rows)
  const completed: Completed[] = []
  const verdicts = items.map(({ tokenHash, update }): CompletionVerdict => {
    const row = [...left].find(({ token_hash }) => token_hash === tokenHash)
    if (row === undefined) return 'not_found'
    if (row.isCarried) return 'busy'
    left.delete(row)
    completed.push({ row, update })
    return 'ok'
  })
  return { verdicts, completed }
}

/** As a settlement would, had it been the turn of these commands. */
async function move(tx: Transaction, completed: readonly Completed[]): Promise<void> {
  const [first] = completed
  const updates = completed.map(({ update }) => update)
  await tx.query(MOVE, [
    first?.row.now,
    first?.row.stage,
    completed.map(({ row }) => row.chunk_id),
    int4s(completed.map(({ row }) => row.idx)),
    texts(updates.map(({ state }) => state)),
    int4s(updates.map(({ attempts }) => attempts)),
    int8s(updates.map(({ delayMs }) => Math.trunc(delayMs))),
    texts(updates.map(({ error }) => (error === null ? null : JSON.stringify(error)))),
    texts(updates.map(({ result }) => result ?? null)),
    texts(updates.map(updateNotes)),
  ])
}
