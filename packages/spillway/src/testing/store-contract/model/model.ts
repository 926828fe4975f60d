// A second, tiny account of what a store holds, kept by the contract's property: it knows states, tokens and keys, and
// nothing about how a store arranges them. What the model and the store disagree about is a bug in one of them.

import {
  type AppendVerdict,
  type ChunkDraft,
  type CommandState,
  carriedState,
  type QueueSettings,
  type Stage,
} from '../../../domain/index.js'
import type { BulkWrite } from '../../../ports/index.js'

export interface ModelCommand {
  readonly id: string
  readonly origin: ModelChunk
  readonly index: number
  payload: string
  state: CommandState
  /** Null once it succeeded in the chunk it was submitted in: then the store knows only roughly. */
  attempts: number | null
  generation: number
  nextAt: number
  finishedAt: number
  stage: Stage
  memo: string | null
  orderingKey: string | null
  completion: { readonly tokenHash: string; readonly expiresAt: number } | null
  /** The promoted chunk it is in: unknown until a claim shows it. */
  carrier: ModelChunk | 'sealed' | null
  promotedAt: number
}

export interface ModelChunk {
  readonly id: string
  readonly draft: Pick<ChunkDraft, 'queue' | 'type' | 'priority' | 'partition'> & {
    readonly tenant: string | null
  }
  readonly stage: Stage
  /** Commit order; chunks promoted in one call share a place. */
  readonly seq: number
  readonly createdAt: number
  readonly promoted: boolean
  /** By index; null for what was not stored. */
  readonly commands: readonly (ModelCommand | null)[]
  /** Indexes that must not run here any more. */
  readonly over: Set<number>
  readonly verdicts: readonly AppendVerdict[] | null
  token: number
  /** Null while nobody holds a lease. */
  leasedUntil: number | null
  expiries: number
  cursor: number | null
  doneAt: number | null
}

export interface ModelKey {
  readonly id: string
  readonly fingerprint: string
  readonly expiresAt: number
}

export class Model {
  readonly chunks = new Map<string, ModelChunk>()
  readonly commands = new Map<string, ModelCommand>()
  readonly keys = new Map<string, ModelKey>()
  /** Chunks a promote made whose cargo no claim has shown yet: id -> place in commit order. */
  readonly sealed = new Map<string, number>()
  /** What was said about queues. */
  readonly settings = new Map<string, QueueSettings>()
  /** Ids of commands that succeeded in a transaction, by generation. */
  readonly effects = new Set<string>()
  /** Ids of commands that were pruned: who sends them again has them executed again. */
  readonly forgotten = new Set<string>()
  /** What the store calls the place of a chunk, as far as it was shown. */
  readonly places = new Map<ModelChunk, number>()
  /** Every token that was ever given out. */
  readonly tokens: string[] = []
  /** Commands that each verb with an audit note changed, oldest first. */
  readonly audited: number[] = []
  #seq = 0

  nextSeq(): number {
    this.#seq += 1
    return this.#seq
  }

  inState(...states: readonly CommandState[]): ModelCommand[] {
    return [...this.commands.values()].filter(({ state }) => states.includes(state))
  }
}

const AS_ANY: QueueSettings = { paused: false, pauseReason: null, leasesMax: null }

export function settingsInModel(model: Model, queue: string): QueueSettings {
  return model.settings.get(queue) ?? AS_ANY
}

export function newModelChunk(
  fields: Pick<ModelChunk, 'id' | 'draft' | 'stage' | 'seq' | 'createdAt' | 'promoted' | 'verdicts'>,
  commands: (chunk: ModelChunk) => (ModelCommand | null)[],
): ModelChunk {
  const list: (ModelCommand | null)[] = []
  const chunk: ModelChunk = {
    ...fields,
    commands: list,
    over: new Set(),
    token: 0,
    leasedUntil: null,
    expiries: 0,
    cursor: null,
    doneAt: null,
  }
  list.push(...commands(chunk))
  return chunk
}

export function liveIndexes(chunk: ModelChunk): number[] {
  return chunk.commands.flatMap((command, index) =>
    command === null || chunk.over.has(index) ? [] : [index],
  )
}

/** What the commands of a chunk are shown as while somebody has it, or nobody. */
export function showCarried(chunk: ModelChunk, leased: boolean): void {
  for (const index of liveIndexes(chunk)) {
    const command = chunk.commands[index] as ModelCommand
    command.state = carriedState(chunk.stage, leased)
  }
}

export function effectOf({ id, generation }: Pick<ModelCommand, 'id' | 'generation'>): string {
  return `${id} of generation ${generation}`
}

export function effectsWrite(ids: readonly string[]): BulkWrite {
  const rows = [...ids].sort().map((id) => [id, 1])
  return { table: 'effects', columns: ['id', 'n'], key: ['id'], onConflict: 'ignore', rows }
}
