// Chooses what the next handler call gets: commands of one type, across chunks up to the size the type wants, in the order
// they were claimed. Whole chunks are preferred, because a chunk in pieces costs a settlement per piece.

import type { ExecutableCommand } from '../ports/index.js'
import type { HeldChunk } from './held-chunk.js'
import { callSizeOf, type LaneKind, laneKindOf } from './queue-plan.js'

/** Commands of one chunk within a handler call. */
export interface Part {
  readonly chunk: HeldChunk
  readonly commands: readonly ExecutableCommand[]
}

export type Parts = readonly [Part, ...Part[]]

/** What a free slot gets: commands for one handler call, or a chunk whose commands run one at a time. */
export type Assignment = { readonly parts: Parts } | { readonly alone: HeldChunk }

/** Whether handler calls of a type may begin now. */
export type MayBegin = (type: string) => boolean

export class Assembler {
  readonly #mayBegin: MayBegin
  /** With commands that were not handed out, in the order they were claimed. */
  readonly #chunks = new Set<HeldChunk>()

  constructor(mayBegin: MayBegin) {
    this.#mayBegin = mayBegin
  }

  add(chunk: HeldChunk): void {
    if (chunk.waiting > 0) this.#chunks.add(chunk)
  }

  remove(chunk: HeldChunk): void {
    this.#chunks.delete(chunk)
  }

  /** Commands that could be executed now, of one kind or of all. */
  ready(kind?: LaneKind): number {
    let ready = 0
    for (const chunk of this.#chunks) {
      if (this.#isReady(chunk) && (kind === undefined || laneKindOf(chunk.definition) === kind))
        ready += chunk.waiting
    }
    return ready
  }

  /** `now` by the monotonic clock: no handler is started under a lease that is over, however late that is noticed. */
  next(now: number): Assignment | null {
    const parts: Part[] = []
    let room = 0
    for (const chunk of this.#chunks) {
      if (!this.#isReady(chunk) || !chunk.stillHeld(now)) continue
      // What was left of it may have turned out to be blocked meanwhile.
      if (chunk.waiting === 0) {
        this.#chunks.delete(chunk)
        continue
      }
      const first = parts[0]?.chunk
      if (first === undefined) {
        if (chunk.pace !== 'together') return this.#alone(chunk)
        room = chunk.stage === 'execute' ? callSizeOf(chunk.definition) : stageCallSize(chunk)
      } else {
        if (chunk.definition !== first.definition || chunk.stage !== first.stage) continue
        if (chunk.pace !== 'together') continue
        if (chunk.waiting > room) break
      }
      const commands = chunk.take(room)
      room -= commands.length
      parts.push({ chunk, commands })
      if (chunk.waiting === 0) this.#chunks.delete(chunk)
      if (room === 0) break
    }
    return isSome(parts) ? { parts } : null
  }

  #isReady(chunk: HeldChunk): boolean {
    if (chunk.leaving !== null || chunk.returning) return false
    if (chunk.calls.length > 0 && isExclusive(chunk)) return false
    return chunk.stage !== 'execute' || this.#mayBegin(chunk.lease.type)
  }

  #alone(chunk: HeldChunk): Assignment {
    this.#chunks.delete(chunk)
    return { alone: chunk }
  }
}

/** Whether at most one handler call may have commands of the chunk: where order or one final commit depends on it. */
function isExclusive({ lease, definition, stage }: HeldChunk): boolean {
  return lease.partition !== null || (stage === 'execute' && definition.settlement === 'transaction')
}

/** Functions of the other stages are called with one command each, but for one that is made for many. */
function stageCallSize({ stage, definition }: HeldChunk): number {
  return stage === 'reconcile' && definition.reconciler?.kind === 'batch' ? definition.batch.maxSize : 1
}

function isSome(parts: readonly Part[]): parts is Parts {
  return parts.length > 0
}
