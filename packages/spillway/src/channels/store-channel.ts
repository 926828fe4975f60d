// The default: a command's receipt is given once its chunk is committed in the store. Concurrent submits share commits
// through the group commit; a refused key is its own command's affair, a failed append everybody's of that flush.

import type { StoreSpec } from '../config/index.js'
import {
  type AppendVerdict,
  CHUNK_BYTES_MAX,
  CHUNK_COMMANDS_MAX,
  type ChunkDraft,
  chunkIdTime,
  commandId,
  type Durability,
} from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import { GroupCommit } from '../group-commit/index.js'
import type { AppendResult, Completion, OfferVerdict, PreparedCommand } from '../ports/index.js'
import { Admission } from './admission.js'
import { appendResending, asStoreError } from './append-resending.js'
import { Bounds } from './bounds.js'
import type { ChannelContext, Offer, OpenChannel } from './channel-context.js'
import { draftOf, type Group, groupOffers } from './drafts.js'
import { atomicRefused, closed, conflict, queueFull, rejected } from './verdicts.js'

/** Commands and bytes of one append call: several chunks, one commit. */
const FLUSH_COMMANDS_MAX = 4 * CHUNK_COMMANDS_MAX
const FLUSH_BYTES_MAX = 2 * CHUNK_BYTES_MAX
const APPENDS_IN_FLIGHT_MAX = 2

interface Appended {
  readonly groups: readonly Group[]
  readonly drafts: readonly ChunkDraft[]
  readonly results: readonly AppendResult[]
}

export class StoreChannel implements OpenChannel {
  readonly kind = 'store'
  readonly durability: Durability
  readonly #context: ChannelContext
  readonly #commit: GroupCommit<Offer>
  readonly #pending: Bounds
  readonly #admission: Admission
  readonly #atomics = new Set<Promise<unknown>>()
  #closed = false

  constructor(spec: StoreSpec, context: ChannelContext) {
    const { clock, queue, store } = context
    this.#context = context
    this.durability = store.capabilities.durability === 'disk' ? 'store' : 'memory'
    this.#pending = new Bounds(spec.maxItems, spec.maxBytes)
    this.#commit = new GroupCommit({
      clock,
      flush: (offers) => this.#flush(offers),
      onError: (offers, error) => answerAll(offers, rejected(asStoreError(error))),
      inFlightMax: context.appendsInFlightMax ?? APPENDS_IN_FLIGHT_MAX,
      itemsMax: FLUSH_COMMANDS_MAX,
      bytesMax: FLUSH_BYTES_MAX,
    })
    this.#admission = new Admission({
      clock,
      queue: queue.name,
      hasRoom: (bytes) => this.#pending.fits(bytes),
      freeSlots: () => this.#pending.freeSlots,
      take: (offer) => this.#take(offer),
      overflow: spec.whenFull === 'block' ? null : (offer) => this.#admission.refuse(offer),
      blockTimeoutMs: spec.blockTimeoutMs,
    })
  }

  offer(command: PreparedCommand, done: Completion): void {
    if (this.#closed) done(closed(this.#context.queue.name))
    else this.#admission.admit({ command, done })
  }

  async offerAll(commands: readonly PreparedCommand[]): Promise<readonly OfferVerdict[]> {
    const { name } = this.#context.queue
    const bytes = commands.reduce((sum, command) => sum + command.bytes, 0)
    if (this.#closed) return commands.map(() => closed(name))
    if (!this.#pending.fits(bytes, commands.length)) return commands.map(() => queueFull(name))
    this.#pending.add(bytes, commands.length)
    const appending = this.#appendAtomic(commands).catch((error: unknown) =>
      commands.map(() => rejected(asStoreError(error))),
    )
    this.#atomics.add(appending)
    const verdicts = await appending
    this.#atomics.delete(appending)
    this.#leave(bytes, commands.length)
    return verdicts
  }

  ready(): Promise<void> {
    return this.#admission.ready()
  }

  async drain(): Promise<void> {
    await Promise.all([this.#commit.drain(), ...this.#atomics])
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#admission.close()
    await this.drain()
  }

  lookup(): null {
    return null
  }

  #take(offer: Offer): void {
    const { bytes } = offer.command
    this.#pending.add(bytes)
    this.#commit.add(offer, bytes)
  }

  #leave(bytes: number, items: number): void {
    this.#pending.remove(bytes, items)
    this.#admission.roomMade()
  }

  async #flush(offers: readonly Offer[]): Promise<void> {
    try {
      const { groups, drafts, results } = await this.#append(offers, false)
      for (let index = 0; index < groups.length; index += 1)
        this.#answer(groups[index] as Group, drafts[index] as ChunkDraft, results[index] as AppendResult)
    } finally {
      this.#leave(
        offers.reduce((sum, { command }) => sum + command.bytes, 0),
        offers.length,
      )
    }
  }

  async #appendAtomic(commands: readonly PreparedCommand[]): Promise<OfferVerdict[]> {
    const verdicts: OfferVerdict[] = new Array(commands.length)
    const offers = commands.map(
      (command, index): Offer => ({
        command,
        done: (verdict) => {
          verdicts[index] = verdict
        },
      }),
    )
    const { groups, drafts, results } = await this.#append(offers, true)
    for (const [index, group] of groups.entries())
      this.#answer(group, drafts[index] as ChunkDraft, results[index] as AppendResult)
    return results.some(hasConflict) ? refuseStored(verdicts, new Set(drafts.map(({ id }) => id))) : verdicts
  }

  async #append(offers: readonly Offer[], atomic: boolean): Promise<Appended> {
    const { store, clock, queue, newChunkId } = this.#context
    const groups = groupOffers(offers, queue.chunkCommandsMax)
    const drafts = groups.map((group) => draftOf(newChunkId(), queue.name, group))
    const results = await appendResending(store, clock, drafts, atomic ? { atomic } : {})
    if (results.length !== drafts.length)
      throw new SpillwayError(
        'internal',
        `The ${store.name} store answered ${results.length} of ${drafts.length} chunks.`,
      )
    if (!(atomic && results.some(hasConflict))) this.#recordCommitted(groups, drafts, results)
    return { groups, drafts, results }
  }

  #recordCommitted(
    groups: readonly Group[],
    drafts: readonly ChunkDraft[],
    results: readonly AppendResult[],
  ): void {
    const { telemetry, queue } = this.#context
    for (const [index, { type, size }] of drafts.entries()) {
      const verdicts = results[index]?.verdicts ?? null
      const commands =
        verdicts === null ? size : verdicts.filter(({ status }) => status === 'accepted').length
      const bytes = (groups[index] as Group).bytes
      if (commands > 0)
        telemetry.record({ event: 'chunk.committed', queue: queue.name, type, commands, bytes })
    }
  }

  #answer({ offers }: Group, { id: chunkId, type }: ChunkDraft, { createdAt, verdicts }: AppendResult): void {
    const { durability } = this
    for (let index = 0; index < offers.length; index += 1) {
      const { done } = offers[index] as Offer
      const verdict = verdicts?.[index]
      if (verdict === undefined || verdict.status === 'accepted') {
        done({ status: 'accepted', id: commandId(chunkId, index), acceptedAt: createdAt, durability })
      } else done(this.#refusalOrRepeat(type, verdict))
    }
  }

  #refusalOrRepeat(type: string, verdict: Exclude<AppendVerdict, { status: 'accepted' }>): OfferVerdict {
    if (verdict.status === 'conflict') return conflict(type, verdict.id)
    // When the first command was accepted is told by its id, which was made just before.
    return {
      status: 'duplicate',
      id: verdict.id,
      acceptedAt: chunkIdTime(verdict.id),
      durability: this.durability,
    }
  }
}

function answerAll(offers: readonly Offer[], verdict: OfferVerdict): void {
  for (const { done } of offers) done(verdict)
}

function hasConflict({ verdicts }: AppendResult): boolean {
  return verdicts?.some(({ status }) => status === 'conflict') ?? false
}

/** After a conflict nothing of the call is stored: what would have been accepted was not, nor what would have repeated it. */
function refuseStored(verdicts: readonly OfferVerdict[], chunkIds: ReadonlySet<string>): OfferVerdict[] {
  const refusal = atomicRefused(verdicts.findIndex(({ status }) => status === 'rejected'))
  return verdicts.map((verdict) => {
    if (verdict.status === 'rejected') return verdict
    return chunkIds.has(verdict.id.slice(0, verdict.id.indexOf('-'))) ? refusal : verdict
  })
}
