// Moving parked commands whose time has come into fresh chunks, so that retries travel the same path as everything else. Rows
// that another maintainer is moving are passed over: any number of them behave as one.

import { type ChunkMember, commandId, encodeBody } from '../../domain/index.js'
import type { PromoteRequest } from '../../ports/index.js'
import { insertChunks, type NewChunk } from './chunks.js'
import { placesSql } from './commands.js'
import { DUE_PARKED, PARKED_BY_COMMAND } from './indexes.js'
import { lockPartitions, partitionsOf } from './partitions.js'
import { chunksOf, type DueRow, loadPassengers, type Passenger } from './passengers.js'
import { select } from './select.js'
import type { Session } from './session.js'
import { integer } from './sql-text.js'
import { Hints, type Wake } from './wake.js'

export async function promote(session: Session, wake: Wake, request: PromoteRequest): Promise<number> {
  // Asked for often, and mostly in vain: that must not cost a transaction.
  const [due] = await select(session, anyDueSql(session.now()))
  if (due === undefined) return 0
  const { moved, hints } = await session.transaction(async (transaction) => {
    const rows = await select<DueRow>(transaction, dueSql(session.now(), request.limit))
    const passengers = await loadPassengers(transaction, rows)
    const chunks = [...chunksOf(passengers, request.chunkCommandsMax)]
    const given = new Hints()
    const statements = lockPartitions(partitionsOf(chunks.map(partitionOf)))
    for (const chunk of chunks) {
      statements.push(...departureSql(chunk, request.newChunkId(), session.now()))
      given.add(partitionOf(chunk).queue, chunk.length)
    }
    await transaction.finish(statements)
    return { moved: passengers.length, hints: given }
  })
  wake.give(hints)
  return moved
}

export function anyDueSql(now: string): string {
  return `select 1 from spillway_parked where next_at <= ${now} limit 1`
}

export function dueSql(now: string, limit: number): string {
  return `
select chunk_id, idx, queue, type, priority, partition_no, attempts, accepted_at
from ${DUE_PARKED}
where next_at <= ${now} order by next_at, chunk_id, idx limit ${integer(limit)} for update skip locked`
}

function partitionOf(passengers: readonly Passenger[]): { queue: string; partition: number | null } {
  const { queue, partition_no: partition } = (passengers[0] as Passenger).row
  return { queue, partition }
}

/** A chunk of the passengers, and their rows in it. */
function departureSql(passengers: readonly Passenger[], id: string, now: string): string[] {
  const { row, codec } = passengers[0] as Passenger
  const { queue, type, priority, partition_no: partition } = row
  const chunk: NewChunk = {
    ...{ id, queue, type, priority, partition, codec, size: passengers.length },
    ...{ state: 'ready', accepted: 0, open: 0, unsuccessful: 0, skip: null, absent: null },
    body: encodeBody(passengers.map(({ payload }) => payload)),
    members: JSON.stringify(passengers.map(memberOf)),
  }
  return [...insertChunks([chunk], now), boardSql(passengers)]
}

function memberOf({ row }: Passenger): ChunkMember {
  return { id: commandId(row.chunk_id, row.idx), attempts: row.attempts, acceptedAt: row.accepted_at }
}

/** Right after the chunk was inserted, whose seq is the last one given. */
function boardSql(passengers: readonly Passenger[]): string {
  const refs = passengers.map(({ row }) => ({ chunkId: row.chunk_id, index: row.idx }))
  return `
update ${PARKED_BY_COMMAND} set state = 'promoted', next_at = null, carrier = last_insert_id()
where ${placesSql(refs)}`
}
