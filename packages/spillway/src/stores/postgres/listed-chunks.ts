// Listing the states that commands have without a row of their own: chunk by chunk, skipping chunks that cannot hold any.

import type { CommandState } from '../../domain/index.js'
import type { CommandView, ListRequest } from '../../ports/index.js'
import type { Database } from './database.js'
import { chunkIdOf, Family, type FamilyRecord, familyColumns, type StoredCommand } from './stored-commands.js'
import type { Cursor, Stretch } from './stretch.js'
import { commandView } from './view.js'

/** Chunks that one page looks at. */
const CHUNKS_PER_PAGE_MAX = 1_000
/** Chunks of the first read: a page is often full after a few, and each may have a thousand rows. Further reads take more. */
const CHUNKS_FIRST_READ = 4
const CHUNKS_PER_READ_MAX = 64

/** Chunks that may hold a command of the state. The limit keeps the planner from reading all rows before the first chunk. */
const FILTERS: Readonly<Partial<Record<CommandState, string>>> = {
  accepted: "(state = 'ready' or open > 0)",
  running: "(state = 'leased' or open > 0)",
  succeeded: `(succeeded > 0 or (
    select true from @.parked where parked.chunk_id = chunks.id and parked.state = 'succeeded' limit 1))`,
}

const END_OF_STRETCH = `
select id from @.chunks where id <= $1::uuid order by id desc limit 1 offset ${CHUNKS_PER_PAGE_MAX - 1}`

const familiesSql = (state: CommandState | undefined, reach: '<' | '<='): string => `
select ${familyColumns('true')}
from @.chunks chunks
where chunks.id ${reach} $1::uuid and chunks.id >= $2::uuid and not promoted
  and ($3::text is null or queue = $3) and ($4::text is null or type = $4) and ${filterOf(state)}
order by chunks.id desc limit $5`

function filterOf(state: CommandState | undefined): string {
  return (state === undefined ? undefined : FILTERS[state]) ?? 'true'
}

/** Sorts before every id. */
const NOTHING = '0'.repeat(32)

/** `limit` is how many matches are wanted at most. */
export type ListedChunks = (request: ListRequest, from: Cursor, limit: number) => Promise<Stretch>

export function newListedChunks(db: Database): ListedChunks {
  /** Chunks from the cursor's, which may be half done, to the last one of the stretch. */
  async function* familiesFrom(request: ListRequest, from: Cursor, last: string): AsyncGenerator<Family> {
    const { state, queue = null, type = null } = request
    let before = from.chunkId
    let count = CHUNKS_FIRST_READ
    for (let looked = 0; looked < CHUNKS_PER_PAGE_MAX; looked += count) {
      const sql = familiesSql(state, looked === 0 ? '<=' : '<')
      const records = await db.queryAnew<FamilyRecord>(sql, [before, last, queue, type, count])
      for (const record of records) yield new Family(record)
      if (records.length < count) return
      before = (records.at(-1) as FamilyRecord).id
      count = Math.min(count * 2, CHUNKS_PER_READ_MAX)
    }
  }

  return async (request, from, limit) => {
    const [last] = await db.queryAnew<{ readonly id: string }>(END_OF_STRETCH, [from.chunkId])
    const commands: CommandView[] = []
    for await (const family of familiesFrom(request, from, last?.id ?? NOTHING)) {
      for (const command of commandsBefore(family, from)) {
        if (!matches(command, request)) continue
        commands.push(commandView(command))
        if (commands.length === limit) break
      }
      if (commands.length === limit) break
    }
    return { commands, end: last === undefined ? null : { chunkId: chunkIdOf(last.id), index: 0 } }
  }
}

function matches({ state, row }: StoredCommand, request: ListRequest): boolean {
  if (request.state !== undefined && state !== request.state) return false
  return request.fingerprint === undefined || row?.fingerprint === request.fingerprint
}

/** Commands of a chunk that follow the cursor. */
function* commandsBefore(family: Family, from: Cursor): Generator<StoredCommand> {
  const { size } = family.record
  const beyond = family.id === from.chunkId ? Math.min(size, from.index) : size
  for (let index = beyond - 1; index >= 0; index -= 1) {
    const command = family.command(index)
    if (command !== null) yield command
  }
}
