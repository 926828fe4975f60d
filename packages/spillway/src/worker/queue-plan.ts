// What follows from a queue's configuration for its worker: which types it may claim, and how much at a time. Types that want
// batches and types that want single commands are claimed apart, in lanes of their own, so that a queue may have both:
// batches are fetched ahead and wait for each other, slow single commands must not be hoarded and never wait.

import type { AnyCommand, ResolvedQueue } from '../config/index.js'
import { CHUNK_COMMANDS_MAX } from '../domain/index.js'

/** Chunks of one claim: enough that many chunks of one command fill a handler batch. */
export const CLAIM_CHUNKS_MAX = 64
/** Commands of one claim, beyond its first chunk. */
const CLAIM_COMMANDS_MAX = 4 * CHUNK_COMMANDS_MAX
/** Chunks a worker holds per queue, the ones being settled included. */
export const HELD_CHUNKS_MAX = 256
/** One-at-a-time commands that share a transaction at most: enough to share the cost of a commit, few enough to stay short. */
export const TRANSACTION_COMMANDS_MAX = 64
/** Batches that one claim fetches even for a single slot: claims cost a commit, and chunks rarely fill a batch exactly. */
const BATCHES_PER_CLAIM = 4

/** `shared`: one at a time, but several in one transaction. */
export type LaneKind = 'single' | 'shared' | 'batch'

export interface LanePlan {
  readonly kind: LaneKind
  readonly types: readonly string[]
  /** Commands of one handler call at most, over all types. */
  readonly callSize: number
  /** How long announced commands may gather before they are claimed, and how many of them end the wait. */
  readonly lingerMs: number
  readonly lingerCommands: number
}

export interface QueuePlan {
  /** What this process can execute; anything else is never claimed. */
  readonly definitions: ReadonlyMap<string, AnyCommand>
  readonly lanes: readonly LanePlan[]
}

/** Null when there is nothing in the queue that this process can execute. */
export function planOf(queue: ResolvedQueue): QueuePlan | null {
  const threads = queue.channel.kind === 'pool' && queue.channel.threads !== null
  const definitions = queue.commands.filter(({ handler }) => handler.kind !== 'none' || threads)
  if (definitions.length === 0) return null
  const kinds = [...new Set(definitions.map(laneKindOf))]
  return {
    definitions: new Map(definitions.map((definition) => [definition.name, definition])),
    lanes: kinds.map((kind) =>
      laneOf(
        kind,
        definitions.filter((definition) => laneKindOf(definition) === kind),
      ),
    ),
  }
}

export function laneKindOf({ handler, settlement }: AnyCommand): LaneKind {
  if (handler.kind === 'batch' || handler.kind === 'sink') return 'batch'
  return settlement === 'transaction' ? 'shared' : 'single'
}

/** Commands of one handler call at most. */
export function callSizeOf(definition: AnyCommand): number {
  switch (laneKindOf(definition)) {
    case 'batch':
      return definition.batch.maxSize
    case 'shared':
      return TRANSACTION_COMMANDS_MAX
    case 'single':
      return 1
  }
}

/** Commands to ask for. Single commands are not fetched ahead: another worker may have a slot for them. */
export function commandsToClaim({ kind, callSize }: LanePlan, slots: number, ready: number): number {
  const calls = kind === 'single' ? slots : Math.max(slots, BATCHES_PER_CLAIM)
  return Math.min(calls * callSize - ready, CLAIM_COMMANDS_MAX)
}

function laneOf(kind: LaneKind, definitions: readonly AnyCommand[]): LanePlan {
  const sizes = definitions.map(callSizeOf)
  return {
    kind,
    types: definitions.map((definition) => definition.name),
    callSize: Math.max(...sizes),
    lingerMs: kind === 'batch' ? Math.min(...definitions.map(({ batch }) => batch.maxWaitMs)) : 0,
    lingerCommands: Math.min(...sizes),
  }
}
