// Reading, on a connection of its own: a handler that asks for a command inside its transaction sees what is committed.

import { type CommandRef, parseCommandId } from '../../domain/index.js'
import type { CommandView, WaitingCommand } from '../../ports/index.js'
import { type AuditListing, prepareAuditListing } from './audit.js'
import type { SqliteTx } from './client.js'
import { prepareCommands, type StoredCommand } from './commands.js'
import { WAITING } from './completion.js'
import { type Counts, prepareCounts } from './counts.js'
import { type ErrorGroups, prepareErrorGroups } from './error-groups.js'
import { type Listing, prepareListing } from './listing.js'
import { lastOne, preparePayloads } from './payloads.js'
import { commandView } from './view.js'

/** All of it inside a read transaction. */
export interface Reading extends Counts, Listing {
  get(ids: readonly string[], payload: boolean): (CommandView | null)[]
  waiting(tokenHash: string, now: number): WaitingCommand | null
  readonly errorGroups: ErrorGroups
  readonly audit: AuditListing
}

export function prepareReading(db: SqliteTx): Reading {
  const commands = prepareCommands(db)
  const payloads = preparePayloads(db)
  const resultAt = db.prepare('select result from spillway_results where seq = ?1 and idx = ?2')
  const waitingRow = db.prepare(`select chunk_id as chunkId, idx as "index" ${WAITING}`)

  function viewOf(command: StoredCommand): CommandView {
    const found = resultAt.get(command.chunk.seq, command.index) as { result: string } | undefined
    return commandView(command, found?.result ?? null)
  }

  /** Finds the command of an id, or the one that it repeats. Ids of one page mostly belong to few chunks. */
  function finder(): (id: string) => StoredCommand | null {
    const familyOf = lastOne((chunkId: string) => commands.family(chunkId))
    const repeatedFamilyOf = lastOne((chunkId: string) => commands.family(chunkId))
    return (id) => {
      const ref = parseCommandId(id)
      const chunk = ref === null ? null : familyOf(ref.chunkId)
      if (ref === null || chunk === null) return null
      const first = parseCommandId(chunk.repeats.get(ref.index) ?? '')
      if (first === null) return commands.member(chunk, ref.index)
      const repeated = repeatedFamilyOf(first.chunkId)
      return repeated === null ? null : commands.member(repeated, first.index)
    }
  }

  return {
    get(ids, payload) {
      const find = finder()
      const payloadOf = payloads()
      return ids.map((id) => {
        const command = find(id)
        if (command === null) return null
        const view = viewOf(command)
        return payload ? { ...view, payload: payloadOf(command) } : view
      })
    },
    waiting(tokenHash, now) {
      const ref = waitingRow.get(tokenHash, now) as CommandRef | undefined
      const command = ref === undefined ? null : commands.find(ref)
      return command === null ? null : { view: viewOf(command), payload: payloads()(command) }
    },
    errorGroups: prepareErrorGroups(db),
    audit: prepareAuditListing(db),
    ...prepareListing(db),
    ...prepareCounts(db),
  }
}
