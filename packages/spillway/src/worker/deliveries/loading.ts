// From messages to chunks: a message that is a chunk stays one; single commands of one type, priority and tenant travel together, those
// of an ordered queue by partition. As the intake does with submits, so that foreign producers get bulk writes as well.

import { CHUNK_BYTES_MAX, type ChunkDraft, encodeBody, type KeyDraft } from '../../domain/index.js'
import type { NewChunkId, PreparedCommand } from '../../ports/index.js'
import type { Message } from './message.js'

/** What goes into one chunk, in the order of its indexes. */
export interface Load {
  readonly draft: ChunkDraft
  readonly messages: readonly Message[]
}

export interface LoadingOptions {
  readonly queue: string
  readonly commandsMax: number
  readonly newChunkId: NewChunkId
}

interface Group {
  readonly messages: Message[]
  readonly commands: PreparedCommand[]
  bytes: number
}

/** In the order of the first message of each. */
export function load(messages: readonly Message[], options: LoadingOptions): readonly Load[] {
  const loads: (Load | Group)[] = []
  const open = new Map<string, Group>()
  for (const message of messages) {
    const { content } = message
    if (content.kind === 'chunk') {
      loads.push({ draft: content.draft, messages: [message] })
      // A command that comes after a chunk of its partition must not get into one before it.
      if (content.draft.partition !== null) open.clear()
      continue
    }
    const { command } = content
    const key = groupKey(command)
    let group = open.get(key)
    if (group === undefined || !fits(group, command, options.commandsMax)) {
      group = { messages: [], commands: [], bytes: 2 }
      open.set(key, group)
      loads.push(group)
    }
    group.messages.push(message)
    group.commands.push(command)
    group.bytes += command.bytes + 1
  }
  return loads.map((one) => ('draft' in one ? one : { messages: one.messages, draft: draftOf(one, options) }))
}

/** Of an ordered partition only the latest chunk may grow, or a command could overtake an earlier one of another type. */
function groupKey({ type, priority, partition, tenant }: PreparedCommand): string {
  return partition === null ? `${type} ${priority} ${tenant ?? ''}` : `${partition}`
}

function fits({ commands, bytes }: Group, command: PreparedCommand, commandsMax: number): boolean {
  const [first] = commands
  return (
    commands.length < commandsMax &&
    bytes + command.bytes + 1 <= CHUNK_BYTES_MAX &&
    first?.type === command.type &&
    first.priority === command.priority &&
    first.tenant === command.tenant
  )
}

function draftOf({ commands }: Group, { queue, newChunkId }: LoadingOptions): ChunkDraft {
  const { type, priority, partition, tenant } = commands[0] as PreparedCommand
  return {
    ...{ id: newChunkId(), queue, type, priority, partition, tenant, codec: 'json' },
    body: encodeBody(commands.map(({ json }) => json)),
    size: commands.length,
    keys: keysOf(commands),
    parked: null,
  }
}

function keysOf(commands: readonly PreparedCommand[]): readonly (KeyDraft | null)[] | null {
  return commands.some(({ key }) => key !== null) ? commands.map(({ key }) => key) : null
}
