// Reading: every answer is of one moment, because it is one statement; a listing by chunks is of one moment per chunk. What repeats
// answer takes a second statement.

import { type CommandRef, parseCommandId } from '../../domain/index.js'
import type { CommandView, StoreReader } from '../../ports/index.js'
import { newAuditListing } from './audit.js'
import {
  ACCOUNTING,
  type AccountingCounts,
  accountingOf,
  QUEUE_COUNTS,
  type QueueCount,
  queueCounts,
} from './counts.js'
import type { Database } from './database.js'
import { newErrorGroups } from './error-groups.js'
import { newListing } from './listing.js'
import { Family, type FamilyRecord, familyColumns, type StoredCommand } from './stored-commands.js'
import { commandView } from './view.js'
import { newWaiting } from './waiting.js'

/** Commands looked up by one statement. */
const IDS_PER_READ = 1_000

const PAYLOADS = `
case when $3::boolean then (
  select json_object_agg(payloads.position - 1, coalesce(edited.payload, payloads.value::text))
  from @.bodies cross join lateral json_array_elements(bodies.body::json) with ordinality payloads (value, position)
  left join @.parked edited on edited.chunk_id = chunks.id and edited.idx = payloads.position - 1
  where bodies.seq = chunks.seq and payloads.position - 1 = any(asked.indexes)) end`

const FAMILIES = `
select ${familyColumns('idx = any(asked.indexes)', PAYLOADS)}
from (
  select id, array_agg(idx) as indexes from unnest($1::uuid[], $2::integer[]) as asked (id, idx) group by id
) asked
join @.chunks chunks on chunks.id = asked.id and not chunks.promoted`

export function newReader(db: Database): StoreReader {
  /** By chunk id. */
  async function familiesOf(refs: readonly CommandRef[], payload: boolean): Promise<Map<string, Family>> {
    const chunkIds = refs.map(({ chunkId }) => chunkId)
    const indexes = refs.map(({ index }) => index)
    const records = await db.queryAnew<FamilyRecord>(FAMILIES, [chunkIds, indexes, payload])
    return new Map(records.map((record) => new Family(record)).map((family) => [family.id, family]))
  }

  async function getSome(ids: readonly string[], payload: boolean): Promise<(CommandView | null)[]> {
    const refs = ids.map(parseCommandId)
    const families = await familiesOf(present(refs), payload)
    const firsts = refs.map((ref) => parseCommandId(repeatedBy(families, ref) ?? ''))
    const repeated = present(firsts)
    const others = repeated.length === 0 ? families : await familiesOf(repeated, payload)
    return refs.map((ref, at) => {
      const first = firsts[at] ?? null
      const command = first === null ? commandIn(families, ref) : commandIn(others, first)
      return command === null ? null : commandView(command, payload)
    })
  }

  return {
    async get(ids, { payload = false } = {}) {
      const views: (CommandView | null)[] = []
      for (let from = 0; from < ids.length; from += IDS_PER_READ) {
        views.push(...(await getSome(ids.slice(from, from + IDS_PER_READ), payload)))
      }
      return views
    },
    list: newListing(db),
    waiting: newWaiting(db),
    errorGroups: newErrorGroups(db),
    audit: newAuditListing(db),
    queues: async () => queueCounts(await db.queryAnew<QueueCount>(QUEUE_COUNTS, [])),
    async accounting() {
      const [counts] = await db.queryAnew<AccountingCounts>(ACCOUNTING, [])
      return accountingOf(counts as AccountingCounts)
    },
  }
}

type Families = ReadonlyMap<string, Family>

function commandIn(families: Families, ref: CommandRef | null): StoredCommand | null {
  return ref === null ? null : (families.get(ref.chunkId)?.command(ref.index) ?? null)
}

/** The first command, where the reference is to a repeat of it. */
function repeatedBy(families: Families, ref: CommandRef | null): string | null {
  return ref === null ? null : (families.get(ref.chunkId)?.repeatedBy(ref.index) ?? null)
}

function present<T>(values: readonly (T | null)[]): T[] {
  return values.filter((value) => value !== null)
}
