// Chunks that commands wait in, while some of these are taken out: the chunk a command was submitted in, or one that carries it.

import type { ChunkPlace } from './chunks.js'
import type { ChunkRow, Family } from './commands.js'
import { formatIndexes, parseIndexes } from './index-list.js'
import { CHUNKS_BY_SEQ } from './indexes.js'
import { parseMembers } from './members.js'
import { integer, integerList, text } from './sql-text.js'

export interface Holder extends ChunkPlace {
  readonly size: number
  /** Indexes that are not to run. */
  readonly skip: Set<number>
}

/** A chunk that carries commands of other chunks. */
export interface Carrier extends Holder {
  readonly state: ChunkRow['state']
  /** The commands' own ids, by index. */
  readonly memberIds: readonly string[]
}

export interface CarrierRow
  extends Pick<ChunkRow, 'seq' | 'queue' | 'partition_no' | 'state' | 'size' | 'skip'> {
  readonly members: string
}

export function lockCarriersSql(seqs: Iterable<number>): string {
  return `
select seq, queue, partition_no, state, size, skip, members from ${CHUNKS_BY_SEQ}
where seq in ${integerList(seqs)} order by seq for update`
}

export function carrierOf({
  seq,
  queue,
  partition_no: partition,
  state,
  size,
  skip,
  members,
}: CarrierRow): Carrier {
  return {
    ...{ seq, queue, partition, state, size, promoted: true },
    skip: new Set(parseIndexes(skip)),
    memberIds: (parseMembers(members) ?? []).map(({ id }) => id),
  }
}

export function holderOf({ seq, queue, partition_no: partition, size, over }: Family): Holder {
  return { seq, queue, partition, size, promoted: false, skip: new Set(over) }
}

export function isEmpty({ size, skip }: Holder): boolean {
  return skip.size === size
}

export function takeOutSql({ seq, size, skip }: Holder): string {
  return `
update ${CHUNKS_BY_SEQ} set skip = ${text(formatIndexes(skip))}, live = ${integer(size - skip.size)}
where seq = ${integer(seq)}`
}
