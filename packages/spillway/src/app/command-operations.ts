// Verbs on many commands at once. Each is a command itself: stored before anything is done, resumed after a crash, looked at by its id.

import { type ChunkDraft, commandId, encodeBody, parseCommandId } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import {
  type CommandFilter,
  checkedScope,
  countMatches,
  OPERATION_TYPE,
  type OperationCounts,
  operationCounts,
} from '../operations/index.js'
import type { CommandView, NewChunkId, Store } from '../ports/index.js'
import { auditNote } from './audit-note.js'
import { OPERATION_QUEUE } from './built-ins.js'
import { isOperationPayload, type OperationPayload } from './operation-command.js'
import type { OperationRequest, OperationStarted, Operations, OperationView } from './operator-api.js'

export interface CommandOperationsOptions {
  readonly store: Pick<Store, 'append' | 'control' | 'reader' | 'shared'>
  readonly newChunkId: NewChunkId
}

export class CommandOperations implements Operations {
  readonly #options: CommandOperationsOptions

  constructor(options: CommandOperationsOptions) {
    this.#options = options
  }

  async start({ action, filter, dryRun, actor, reason }: OperationRequest): Promise<OperationStarted> {
    const { store, newChunkId } = this.#options
    const scope = checkedScope(action, filter)
    if (dryRun === true) {
      const counted = await countMatches((request) => store.reader.list(request), scope)
      return { id: null, matches: counted.matches, more: counted.more }
    }
    const draft = (payload: OperationPayload) => draftOf(newChunkId(), payload)
    const by = { ...(actor === undefined ? {} : { actor }), ...(reason === undefined ? {} : { reason }) }
    const note = auditNote(`operation.${action}`, describe(filter), by)
    const stored = draft({ scope, filter, actor: note.actor, reason: note.reason })
    // First, so that nothing is ever done that nobody is known to have asked for.
    await store.control.audit(note, null)
    await store.append([stored])
    return { id: commandId(stored.id, 0), matches: null, more: false }
  }

  async get(id: string): Promise<OperationView> {
    const { store } = this.#options
    const [view = null] = parseCommandId(id) === null ? [] : await store.reader.get([id], { payload: true })
    if (view === null || view.type !== OPERATION_TYPE) throw unknownOperation(id)
    const payload: unknown = JSON.parse(view.payload ?? 'null')
    if (!isOperationPayload(payload)) throw unknownOperation(id)
    return viewOf(view, payload, await operationCounts(store.shared, id))
  }
}

function viewOf(
  { id, state, acceptedAt, finishedAt }: CommandView,
  { scope, filter, actor, reason }: OperationPayload,
  { seen, changed, conflicts }: OperationCounts,
): OperationView {
  return {
    ...{ id, action: scope.action, filter, actor, reason, state },
    ...{ seen, changed, conflicts, startedAt: acceptedAt, finishedAt },
  }
}

function draftOf(id: string, payload: OperationPayload): ChunkDraft {
  return {
    ...{ id, queue: OPERATION_QUEUE, type: OPERATION_TYPE, priority: 0, partition: null, codec: 'json' },
    ...{ body: encodeBody([JSON.stringify(payload)]), size: 1, keys: null, parked: null },
  }
}

/** A filter is no secret: it names types, queues and states. */
function describe(filter: CommandFilter): string {
  const words = Object.entries(filter).map(([name, value]) => `${name}=${String(value)}`)
  return words.length === 0 ? 'all' : words.join(' ')
}

function unknownOperation(id: string): SpillwayError {
  return new SpillwayError('not_found', 'There is no operation with that id.', {
    details: { id: String(id).slice(0, 100) },
  })
}
