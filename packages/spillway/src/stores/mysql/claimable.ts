// What a claim may take: statements that find and lock ready chunks and chunks whose lease expired, in the order in which they are to be
// given. By priority the order is that of an index; by commit order alone it is that of the same index within each priority.

import type { Codec, Stage } from '../../domain/index.js'
import type { ClaimRequest } from '../../ports/index.js'
import { CHUNKS_OF_TENANT, LEASED_CHUNKS, READY_CHUNKS } from './indexes.js'
import type { SkipScan } from './skip-scan.js'
import { integer, text, textList } from './sql-text.js'

export interface Candidate {
  readonly seq: number
  readonly id: string
  readonly type: string
  readonly priority: number
  readonly partition_no: number | null
  readonly tenant: string
  readonly stage: Stage
  readonly codec: Codec
  readonly state: 'ready' | 'leased'
  readonly promoted: number
  readonly size: number
  readonly live: number
  readonly skip: string | null
  readonly token: number
  readonly expiries: number
  readonly cursor_idx: number | null
  readonly created_at: number
}

const COLUMNS =
  'seq, id, type, priority, partition_no, tenant, stage, codec, state, promoted, size, live, skip, token, expiries, cursor_idx, created_at'

export function readySql(request: ClaimRequest, type: string): string {
  return `
select ${COLUMNS} from ${readyOf(request, type)}
order by precedence, seq limit ${integer(request.chunksMax)} for update skip locked`
}

/** The priorities of what is ready, of which each is a stretch of the index in commit order. */
export function precedencesScan(request: ClaimRequest, type: string): SkipScan {
  return { source: readyOf(request, type), columns: ['precedence'], ofFirst: [] }
}

export function oldestReadySql(request: ClaimRequest, type: string, precedence: number): string {
  return `
select ${COLUMNS} from ${readyOf(request, type)} and precedence = ${integer(precedence)}
order by seq limit ${integer(request.chunksMax)} for update skip locked`
}

export function expiredSql(
  { queue, types, chunksMax, tenant, oldestFirst }: ClaimRequest,
  now: string,
): string {
  return `
select ${COLUMNS} from ${LEASED_CHUNKS}
where state = 'leased' and queue = ${text(queue)} and lease_expires_at <= ${now} and type in ${textList(types)}${
    tenant === undefined ? '' : ` and tenant = ${text(tenant)}`
  }
order by ${oldestFirst === true ? 'seq' : 'precedence, seq'} limit ${integer(chunksMax)} for update skip locked`
}

function readyOf({ queue, tenant }: ClaimRequest, type: string): string {
  const ready = `where state = 'ready' and queue = ${text(queue)} and blocked = 0 and type = ${text(type)}`
  return tenant === undefined
    ? `${READY_CHUNKS} ${ready}`
    : `${CHUNKS_OF_TENANT} ${ready} and tenant = ${text(tenant)}`
}
