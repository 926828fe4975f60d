// Payloads for those who look: the one in the chunk's body, or the one that an operator put in its place.

import { decodeBody } from '../../domain/index.js'
import type { SqliteTx } from './client.js'
import type { Family, StoredCommand } from './commands.js'

/** JSON text. Commands of one chunk are best asked for one after another. Inside a read transaction. */
export type Payloads = () => (command: StoredCommand) => string

export function preparePayloads(db: SqliteTx): Payloads {
  const bodyOf = db.prepare(`
    select coalesce(chunks.body, bodies.body) as body
    from spillway_chunks chunks left join spillway_bodies bodies on bodies.seq = chunks.seq where chunks.seq = ?1`)
  const ownPayload = db.prepare('select payload from spillway_parked where chunk_id = ?1 and idx = ?2')

  function decoded(chunk: Family): unknown[] {
    const { body } = bodyOf.get(chunk.seq) as { body: string }
    return decodeBody(body, chunk.size)
  }

  function ownOf({ chunk, index, row }: StoredCommand): string | null {
    return row === null ? null : (ownPayload.get(chunk.id, index) as { payload: string | null }).payload
  }

  return () => {
    const payloadsOf = lastOne(decoded)
    return (command) => ownOf(command) ?? JSON.stringify(payloadsOf(command.chunk)[command.index])
  }
}

/** Remembers the last answer: enough where equal questions come one after another, and bounded. */
export function lastOne<Key, Value>(answer: (key: Key) => Value): (key: Key) => Value {
  let last: { readonly key: Key; readonly value: Value } | null = null
  return (key) => {
    if (last === null || last.key !== key) last = { key, value: answer(key) }
    return last.value
  }
}
