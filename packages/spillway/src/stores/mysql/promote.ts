// Moving parked commands whose time has come into fresh chunks, so that retries travel the same path as everything else. Rows
// that another maintainer is moving are passed over: any number of them behave as one.

import { type ChunkMember, commandId, encodeBody } from '../../domain/index.js'
import type { PromoteRequest } from '../../ports/index.js'
import { insertChunks, type NewChunk } from './chunks.js'
import { placesSql } from './commands.js'
import type { RunResult } from './enlist/index.js'
import { DUE_PARKED, PARKED_BY_COMMAND, PARKED_IN_ORDER } from './indexes.js'
import { type BlockedKey, letGo, newBlockedKeys } from './let-go.js'
import { formatMembers } from './members.js'
import { lockPartitions, partitionsOf } from './partitions.js'
import { chunksOf, type DueRow, loadPassengers, type Passenger } from './passengers.js'
import { select } from './select.js'
import type { Session, Transaction } from './session.js'
import { integer } from './sql-text.js'
import { Hints, type Wake } from './wake.js'

export type Promoter = (request: PromoteRequest) => Promise<number>

export function newPromoter(session: Session, wake: Wake): Promoter {
  const blockedKeys = newBlockedKeys(session)
  return async (request) => {
    // Asked for often, and mostly in vain: that must not cost a transaction.
    const [due, blocked] = (await session.send([anyDueSql(session.now()), ANY_BLOCKED])) as [
      RunResult,
      RunResult,
    ]
    const free = blocked.rows.length === 0 ? [] : await blockedKeys.free()
    if (due.rows.length === 0 && free.length === 0) return 0
    const { moved, hints } = await session.transaction((transaction) =>
      moveDue(session, transaction, request, free),
    )
    wake.give(hints)
    return moved
  }
}

/** What is let go is due, and moved while it is locked. */
async function moveDue(
  session: Session,
  transaction: Transaction,
  request: PromoteRequest,
  free: readonly BlockedKey[],
): Promise<{ moved: number; hints: Hints }> {
  const now = session.now()
  if (free.length > 0) await letGo(transaction, free, request.limit, now)
  const rows = await select<DueRow>(transaction, dueSql(now, request.limit))
  const passengers = await loadPassengers(transaction, rows)
  const chunks = [...chunksOf(passengers, request.chunkCommandsMax)]
  const hints = new Hints()
  const statements = lockPartitions(partitionsOf(chunks.map(partitionOf)))
  for (const chunk of chunks) {
    statements.push(...departureSql(chunk, request.newChunkId(), now))
    hints.add(partitionOf(chunk).queue, chunk.length)
  }
  await transaction.finish(statements)
  return { moved: passengers.length, hints }
}

export function anyDueSql(now: string): string {
  return `select 1 from spillway_parked where next_at <= ${now} limit 1`
}

export const ANY_BLOCKED = `select 1 from ${PARKED_IN_ORDER} where state = 'blocked' limit 1`

export function dueSql(now: string, limit: number): string {
  return `
select chunk_id, idx, queue, type, priority, partition_no, stage, attempts, accepted_at, memo, ordering_key, payload
from ${DUE_PARKED}
where next_at <= ${now} order by next_at, place, chunk_id, idx limit ${integer(limit)} for update skip locked`
}

function partitionOf(passengers: readonly Passenger[]): { queue: string; partition: number | null } {
  const { queue, partition_no: partition } = (passengers[0] as Passenger).row
  return { queue, partition }
}

/** A chunk of the passengers, and their rows in it. */
function departureSql(passengers: readonly Passenger[], id: string, now: string): string[] {
  const { row, codec, tenant } = passengers[0] as Passenger
  const { queue, type, priority, partition_no: partition, stage } = row
  const chunk: NewChunk = {
    ...{ id, queue, type, priority, partition, tenant, stage, codec, size: passengers.length },
    ...{ state: 'ready', accepted: 0, open: 0, unsuccessful: 0, skip: null, absent: null },
    body: encodeBody(passengers.map(({ payload }) => payload)),
    members: formatMembers(passengers.map(memberOf)),
  }
  return [...insertChunks([chunk], now), boardSql(passengers)]
}

function memberOf({ row, seq }: Passenger): ChunkMember {
  return {
    id: commandId(row.chunk_id, row.idx),
    attempts: row.attempts,
    acceptedAt: row.accepted_at,
    memo: row.memo,
    place: row.partition_no === null ? null : [seq, row.idx],
    orderingKey: row.ordering_key,
  }
}

/** Right after the chunk was inserted, whose seq is the last one given. */
function boardSql(passengers: readonly Passenger[]): string {
  const refs = passengers.map(({ row }) => ({ chunkId: row.chunk_id, index: row.idx }))
  return `
update ${PARKED_BY_COMMAND} set state = 'promoted', next_at = null, carrier = last_insert_id()
where ${placesSql(refs)}`
}
