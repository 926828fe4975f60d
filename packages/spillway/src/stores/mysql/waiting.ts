// Commands that wait for their counterpart, by the hash of the token that completes them. Where several wait for the same token it
// belongs to the newest of them.

import { type CommandRef, commandId } from '../../domain/index.js'
import type { CommandView, WaitingCommand } from '../../ports/index.js'
import type { Connection } from './connection.js'
import { PARKED_BY_TOKEN } from './indexes.js'
import { readCommands } from './reader.js'
import { select } from './select.js'
import { textList } from './sql-text.js'

export interface WaitingRef extends CommandRef {
  readonly tokenHash: string
}

/** Pending, carried to a worker or not. */
const WAITS = "(state = 'pending' or (state = 'promoted' and stage = 'poll'))"

/** The newest for each token; none for tokens that nobody waits for, or not any more. `now` is SQL. */
export async function findWaiting(
  db: Pick<Connection, 'send'>,
  tokenHashes: readonly string[],
  now: string,
): Promise<Map<string, WaitingRef>> {
  const rows = await select<{ token_hash: string; chunk_id: string; idx: number }>(
    db,
    waitingSql(tokenHashes, now),
  )
  return new Map(
    rows.map(({ token_hash: tokenHash, chunk_id: chunkId, idx }) => [
      tokenHash,
      { tokenHash, chunkId, index: idx },
    ]),
  )
}

/** Oldest first, so that the newest is what is remembered. */
export function waitingSql(tokenHashes: readonly string[], now: string): string {
  return `
select token_hash, chunk_id, idx from ${PARKED_BY_TOKEN}
where token_hash in ${textList(tokenHashes)} and ${isWaiting(now)} order by chunk_id, idx`
}

export function isWaiting(now: string): string {
  return `${WAITS} and token_expires_at > ${now}`
}

/** In a snapshot. */
export async function readWaiting(
  db: Connection,
  tokenHash: string,
  now: string,
): Promise<WaitingCommand | null> {
  const found = (await findWaiting(db, [tokenHash], now)).get(tokenHash)
  if (found === undefined) return null
  const [command] = await readCommands(db, [commandId(found.chunkId, found.index)], true)
  if (command === null || command === undefined) return null
  const { payload = '', ...view } = command satisfies CommandView
  return { view, payload }
}
