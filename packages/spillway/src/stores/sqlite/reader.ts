// Reading, on a connection of its own: a handler that asks for a command inside its transaction sees what is committed.

import { decodeBody, parseCommandId } from '../../domain/index.js'
import type { CommandView } from '../../ports/index.js'
import type { SqliteTx } from './client.js'
import { type Family, prepareCommands } from './commands.js'
import { type Counts, prepareCounts } from './counts.js'
import { type Listing, prepareListing } from './listing.js'
import { commandView } from './view.js'

/** All of it inside a read transaction. */
export interface Reading extends Counts, Listing {
  get(ids: readonly string[], payload: boolean): (CommandView | null)[]
}

export function prepareReading(db: SqliteTx): Reading {
  const commands = prepareCommands(db)
  const resultAt = db.prepare('select result from spillway_results where seq = ?1 and idx = ?2')
  const bodyOf = db.prepare(`
    select coalesce(chunks.body, bodies.body) as body
    from spillway_chunks chunks left join spillway_bodies bodies on bodies.seq = chunks.seq where chunks.seq = ?1`)

  function payloadsOf(chunk: Family): unknown[] {
    const { body } = bodyOf.get(chunk.seq) as { body: string }
    return decodeBody(body, chunk.size)
  }

  function get(ids: readonly string[], payload: boolean): (CommandView | null)[] {
    // Ids of one page mostly belong to few chunks.
    const familyOf = lastOne((chunkId: string) => commands.family(chunkId))
    const decoded = lastOne(payloadsOf)
    return ids.map((id) => {
      const ref = parseCommandId(id)
      const chunk = ref === null ? null : familyOf(ref.chunkId)
      const command = ref === null || chunk === null ? null : commands.member(chunk, ref.index)
      if (command === null) return null
      const found = resultAt.get(command.chunk.seq, command.index) as { result: string } | undefined
      const view = commandView(command, found?.result ?? null)
      return payload ? { ...view, payload: JSON.stringify(decoded(command.chunk)[command.index]) } : view
    })
  }

  return { get, ...prepareListing(db), ...prepareCounts(db) }
}

/** Remembers the last answer: enough where equal questions come one after another, and bounded. */
function lastOne<Key, Value>(answer: (key: Key) => Value): (key: Key) => Value {
  let last: { readonly key: Key; readonly value: Value } | null = null
  return (key) => {
    if (last === null || last.key !== key) last = { key, value: answer(key) }
    return last.value
  }
}
