// Leasing chunks, in one statement. Its commit is not waited for by the disk: a server that crashes may forget the lease, as if
// its holder had crashed instead (see migrations/0004-claim.ts on tokens).

import type { ChunkMember, Codec, Lease } from '../../domain/index.js'
import type { ClaimRequest } from '../../ports/index.js'
import { texts } from './columns.js'
import type { Database } from './database.js'

const CLAIM = `
select id, token, type, priority, partition, codec, size, skip, expiries, cursor, created_at, body, members
from @.claim_1($1::bigint, $2::text, $3::text[], $4::integer, $5::integer, $6::bigint, $7::text)`

/** Limits that are only "as many as there are" must still fit the database's integers. */
const INT4_MAX = 2 ** 31 - 1

interface ClaimedRow {
  readonly id: string
  readonly token: number
  readonly type: string
  readonly priority: number
  readonly partition: number | null
  readonly codec: Codec
  readonly size: number
  readonly skip: string | null
  readonly expiries: number
  readonly cursor: number | null
  readonly created_at: number
  readonly body: string
  readonly members: string | null
}

export async function claim(db: Database, request: ClaimRequest): Promise<readonly Lease[]> {
  const { queue, types, chunksMax, commandsMax, leaseMs, workerId } = request
  const rows = await db.query<ClaimedRow>(CLAIM, [
    db.now(),
    queue,
    texts([...new Set(types)]),
    Math.min(chunksMax, INT4_MAX),
    Math.min(commandsMax, INT4_MAX),
    Math.trunc(leaseMs),
    workerId,
  ])
  return rows.map((row) => leaseOf(row, queue))
}

function leaseOf(row: ClaimedRow, queue: string): Lease {
  const { id, token, type, priority, partition, codec, body, size, expiries, cursor, created_at } = row
  return {
    ...{ chunkId: id, token, queue, type, priority, partition, codec, body, size, expiries, cursor },
    skip: row.skip === null || row.skip === '' ? [] : row.skip.split(',').map(Number),
    members: row.members === null ? null : (JSON.parse(row.members) as ChunkMember[]),
    createdAt: created_at,
  }
}
