// Leasing chunks, in one statement. Its commit is not waited for by the disk: a server that crashes may forget the lease, as if
// its holder had crashed instead (see migrations/0004-claim.ts on tokens).

import type { Blocker, ChunkMember, Codec, Lease, Place, Stage } from '../../domain/index.js'
import type { ClaimRequest, ReadyTenant } from '../../ports/index.js'
import { texts } from './columns.js'
import type { Database } from './database.js'

const CLAIM = `
select id, token, type, priority, partition, tenant, stage, codec, size, skip, expiries, cursor, created_at, body, members,
  blockers
from @.claim_2($1::bigint, $2::text, $3::text[], $4::integer, $5::integer, $6::bigint, $7::text, $8::text, $9::boolean)`

const READY_TENANTS = `
select tenant, oldest_at as "oldestAt" from @.ready_tenants_1($1::bigint, $2::text, $3::text[], $4::integer)`

/** Limits that are only "as many as there are" must still fit the database's integers. */
const INT4_MAX = 2 ** 31 - 1

interface ClaimedRow {
  readonly id: string
  readonly token: number
  readonly type: string
  readonly priority: number
  readonly partition: number | null
  readonly tenant: string | null
  /** Null = execute. */
  readonly stage: Stage | null
  readonly codec: Codec
  readonly size: number
  readonly skip: string | null
  readonly expiries: number
  readonly cursor: number | null
  readonly created_at: number
  readonly body: string
  readonly members: string | null
  /** JSON of [key, seq, index]. */
  readonly blockers: string | null
}

export async function claim(db: Database, request: ClaimRequest): Promise<readonly Lease[]> {
  const {
    queue,
    types,
    chunksMax,
    commandsMax,
    leaseMs,
    workerId,
    tenant = null,
    oldestFirst = false,
  } = request
  const rows = await db.query<ClaimedRow>(CLAIM, [
    db.now(),
    queue,
    texts([...new Set(types)]),
    Math.min(chunksMax, INT4_MAX),
    Math.min(commandsMax, INT4_MAX),
    Math.trunc(leaseMs),
    workerId,
    tenant,
    oldestFirst,
  ])
  return rows.map((row) => leaseOf(row, queue))
}

/** Of which tenants there is something to claim. */
export function readyTenants(
  db: Database,
  queue: string,
  types: readonly string[],
  limit: number,
): Promise<readonly ReadyTenant[]> {
  const values = [db.now(), queue, texts([...new Set(types)]), Math.min(limit, INT4_MAX)]
  return db.query<ReadyTenant>(READY_TENANTS, values)
}

function leaseOf(row: ClaimedRow, queue: string): Lease {
  const { id, token, type, priority, partition, tenant, codec, body, size, expiries, cursor, created_at } =
    row
  return {
    ...{ chunkId: id, token, queue, type, priority, partition, tenant, codec, body, size, expiries, cursor },
    stage: row.stage ?? 'execute',
    blockers: row.blockers === null ? null : blockersOf(row.blockers),
    skip: row.skip === null || row.skip === '' ? [] : row.skip.split(',').map(Number),
    members: row.members === null ? null : membersOf(row.members),
    createdAt: created_at,
  }
}

function blockersOf(text: string): Blocker[] {
  const rows = JSON.parse(text) as [orderingKey: string, ...place: Place][]
  return rows.map(([orderingKey, ...place]) => ({ orderingKey, place }))
}

/** What a release that knows no stages wrote of them. */
type KnownMember = Pick<ChunkMember, 'id' | 'attempts' | 'acceptedAt'> & Partial<ChunkMember>

function membersOf(text: string): ChunkMember[] {
  const members = JSON.parse(text) as KnownMember[]
  return members.map((member) => ({ memo: null, place: null, orderingKey: null, ...member }))
}
