// Moving parked commands whose time has come into fresh chunks, so that retries travel the same path as everything else.

import {
  CHUNK_BYTES_MAX,
  type ChunkMember,
  carriedState,
  commandId,
  encodeBody,
  type Stage,
} from '../../domain/index.js'
import type { PromoteRequest } from '../../ports/index.js'
import { type Chunks, prepareChunks } from './chunks.js'
import type { SqliteTx } from './client.js'
import type { Hints } from './hints.js'
import { formatMembers } from './members.js'
import { groupBy, type Passenger, preparePassengers } from './passengers.js'
import { prepareUnblocking } from './unblocking.js'

export interface Promoter {
  /** Inside a read transaction. */
  hasWork(now: number): boolean
  /** Inside a write transaction. */
  promote(request: PromoteRequest, now: number, hints: Hints): number
}

export function preparePromoter(db: SqliteTx): Promoter {
  const chunks: Chunks = prepareChunks(db)
  const unblocking = prepareUnblocking(db)
  const passengers = preparePassengers(db)
  const anyDue = db.prepare(
    'select 1 from spillway_parked where next_at <= ?1 and next_at is not null limit 1',
  )
  const board = db.prepare(`
    update spillway_parked set state = ?4, next_at = null, carrier = ?3 where chunk_id = ?1 and idx = ?2`)

  function load(carried: readonly Passenger[], id: string, now: number, hints: Hints): void {
    const { queue, type, priority, partition, tenant, stage, codec } = (carried[0] as Passenger).row
    const size = carried.length
    const seq = chunks.insert(
      {
        ...{ id, queue, type, priority, partition, tenant, stage, codec, size },
        body: encodeBody(carried.map(({ payload }) => payload)),
        state: 'ready',
        accepted: 0,
        skip: null,
        absent: null,
        members: formatMembers(carried.map(memberOf)),
        loneKey: null,
      },
      now,
    )
    for (const { row } of carried) board.run(row.chunk_id, row.idx, seq, boardedState(stage))
    hints.add(queue, size)
  }

  return {
    hasWork: (now) => anyDue.get(now) !== undefined || unblocking.any(),
    promote(request, now, hints) {
      unblocking.letGo(request.limit, now)
      const due = passengers.due(request.limit, now)
      for (const [, group] of groupBy(due, destination)) {
        for (const chunk of splitByBounds(group, request.chunkCommandsMax)) {
          load(chunk, request.newChunkId(), now, hints)
        }
      }
      return due.length
    },
  }
}

/** What is simply to be run shows what its chunk is doing; everything else keeps its name. */
function boardedState(stage: Stage): string {
  return stage === 'execute' ? 'promoted' : carriedState(stage, false)
}

function memberOf({ row }: Passenger): ChunkMember {
  return {
    id: commandId(row.chunk_id, row.idx),
    attempts: row.attempts,
    acceptedAt: row.accepted_at,
    memo: row.memo,
    place: row.partition === null ? null : [row.seq, row.idx],
    orderingKey: row.ordering_key,
  }
}

/** A chunk has one of each. */
function destination({ row }: Passenger): string {
  const { queue, type, priority, partition, tenant, stage, codec } = row
  return JSON.stringify([queue, type, priority, partition, tenant, stage, codec])
}

function* splitByBounds(group: readonly Passenger[], commandsMax: number): Generator<Passenger[]> {
  let chunk: Passenger[] = []
  let bytes = 1
  for (const passenger of group) {
    const full = chunk.length >= commandsMax || bytes + passenger.bytes > CHUNK_BYTES_MAX
    if (full && chunk.length > 0) {
      yield chunk
      chunk = []
      bytes = 1
    }
    chunk.push(passenger)
    bytes += passenger.bytes
  }
  if (chunk.length > 0) yield chunk
}
