// Tenants of which a claim would find something: for each the first chunk of every type and priority, found by skipping through the index
// of tenants, and the chunks whose lease expired, which are few.

import type { ReadyTenant } from '../../ports/index.js'
import { CHUNKS_BY_SEQ, CHUNKS_OF_TENANT, LEASED_CHUNKS } from './indexes.js'
import { rowsOf, select } from './select.js'
import type { Session } from './session.js'
import { type SkipScan, skipThrough } from './skip-scan.js'
import { integerList, text, textList } from './sql-text.js'

/** Chunks whose commit times are read at once. */
const SEQS_PER_READ = 1_000

export function readyTenants(
  session: Session,
  queue: string,
  types: readonly string[],
  limit: number,
): Promise<ReadyTenant[]> {
  if (types.length === 0 || limit < 1) return Promise.resolve([])
  return session.withConnection(async (db) => {
    const kinds = [...new Set(types)]
    const [paused, expired] = await db.send([pausedSql(queue), expiredSql(queue, kinds, session.now())])
    if (paused?.rows.length === 1 || expired === undefined) return []
    const first = new Map<string, number>()
    const see = (tenant: string, seq: number): void => {
      first.set(tenant, Math.min(seq, first.get(tenant) ?? seq))
    }
    for (const { tenant, seq } of rowsOf<{ tenant: string; seq: number }>(expired)) see(tenant, seq)
    const scans = kinds.map((type) => tenantsScan(queue, type))
    for (const row of (await skipThrough(db, scans)).flat()) see(String(row.tenant), Number(row.seq))
    const oldest = [...first].sort(([, a], [, b]) => a - b).slice(0, limit)
    const times = await commitTimes(
      db,
      oldest.map(([, seq]) => seq),
    )
    // A chunk that is gone by now was claimed and over.
    return oldest.flatMap(([tenant, seq]) => {
      const oldestAt = times.get(seq)
      return oldestAt === undefined ? [] : [{ tenant, oldestAt }]
    })
  })
}

function pausedSql(queue: string): string {
  return `select 1 from spillway_queues where name = ${text(queue)} and paused = 1`
}

function expiredSql(queue: string, types: readonly string[], now: string): string {
  return `
select tenant, min(seq) as seq from ${LEASED_CHUNKS}
where state = 'leased' and queue = ${text(queue)} and lease_expires_at <= ${now} and type in ${textList(types)}
group by tenant`
}

/** The first ready chunk of each tenant and priority. */
export function tenantsScan(queue: string, type: string): SkipScan {
  const ready = `state = 'ready' and queue = ${text(queue)} and blocked = 0 and type = ${text(type)}`
  return {
    source: `${CHUNKS_OF_TENANT} where ${ready}`,
    columns: ['tenant', 'precedence'],
    ofFirst: ['seq'],
  }
}

/** By seq. */
async function commitTimes(
  db: Parameters<typeof select>[0],
  seqs: readonly number[],
): Promise<Map<number, number>> {
  const times = new Map<number, number>()
  for (let first = 0; first < seqs.length; first += SEQS_PER_READ) {
    const some = integerList(seqs.slice(first, first + SEQS_PER_READ))
    const rows = await select<{ seq: number; created_at: number }>(
      db,
      `select seq, created_at from ${CHUNKS_BY_SEQ} where seq in ${some}`,
    )
    for (const { seq, created_at } of rows) times.set(seq, created_at)
  }
  return times
}
