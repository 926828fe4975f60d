// From offers to stored chunks and back: the commands of one append are grouped into chunks, and the store's answers about the
// chunks become the answers to the commands.

import {
  type AppendVerdict,
  type ChunkDraft,
  chunkIdTime,
  commandId,
  type Durability,
} from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import type { AppendResult, OfferVerdict, PreparedCommand } from '../ports/index.js'
import type { ChannelContext } from './channel-context.js'
import { draftOf, type Group, groupOffers } from './drafts.js'
import { Accepted, Offer } from './offer.js'
import { atomicRefused, conflict } from './verdicts.js'

export interface Chunked {
  readonly groups: readonly Group[]
  readonly drafts: readonly ChunkDraft[]
}

export interface Appended extends Chunked {
  readonly results: readonly AppendResult[]
}

export function chunksOf({ queue, newChunkId }: ChannelContext, offers: readonly Offer[]): Chunked {
  const groups = groupOffers(offers, queue.chunkCommandsMax)
  return { groups, drafts: groups.map((group) => draftOf(newChunkId(), queue.name, group)) }
}

export async function appendChunks(
  { store }: Pick<ChannelContext, 'store'>,
  { groups, drafts }: Chunked,
  send: (drafts: readonly ChunkDraft[]) => Promise<readonly AppendResult[]>,
): Promise<Appended> {
  const results = await send(drafts)
  if (results.length !== drafts.length)
    throw new SpillwayError(
      'internal',
      `The ${store.name} store answered ${results.length} of ${drafts.length} chunks.`,
    )
  return { groups, drafts, results }
}

export function recordCommitted({ telemetry, queue }: ChannelContext, appended: Appended): void {
  const { groups, drafts, results } = appended
  for (const [index, { type, size }] of drafts.entries()) {
    const verdicts = results[index]?.verdicts ?? null
    const commands = verdicts === null ? size : verdicts.filter(({ status }) => status === 'accepted').length
    const bytes = (groups[index] as Group).bytes
    if (commands > 0) telemetry.record({ event: 'chunk.committed', queue: queue.name, type, commands, bytes })
  }
}

export function answerChunks({ groups, drafts, results }: Appended, durability: Durability): void {
  for (let index = 0; index < groups.length; index += 1)
    answerChunk(
      groups[index] as Group,
      drafts[index] as ChunkDraft,
      results[index] as AppendResult,
      durability,
    )
}

/** The verdicts of commands that are stored together or not at all. */
export async function answerAtomic(
  commands: readonly PreparedCommand[],
  durability: Durability,
  append: (offers: readonly Offer[]) => Promise<Appended>,
): Promise<OfferVerdict[]> {
  const { offers, verdicts } = collect(commands)
  const appended = await append(offers)
  answerChunks(appended, durability)
  return hasConflict(appended)
    ? refuseStored(verdicts, new Set(appended.drafts.map(({ id }) => id)))
    : verdicts
}

/** Offers whose answers are gathered in order. */
export function collect(commands: readonly PreparedCommand[]): {
  readonly offers: readonly Offer[]
  readonly verdicts: OfferVerdict[]
} {
  const verdicts: OfferVerdict[] = new Array(commands.length)
  const offers = commands.map(
    (command, index) =>
      new Offer(command, (verdict) => {
        verdicts[index] = verdict
      }),
  )
  return { offers, verdicts }
}

export function hasConflict({ results }: Appended): boolean {
  return results.some(({ verdicts }) => verdicts?.some(({ status }) => status === 'conflict') ?? false)
}

function answerChunk(
  { offers }: Group,
  { id: chunkId, type }: ChunkDraft,
  { createdAt, verdicts }: AppendResult,
  durability: Durability,
): void {
  for (let index = 0; index < offers.length; index += 1) {
    const { done } = offers[index] as Offer
    const verdict = verdicts?.[index]
    if (verdict === undefined || verdict.status === 'accepted') {
      done(new Accepted(commandId(chunkId, index), createdAt, durability))
    } else done(refusalOrRepeat(type, verdict, durability))
  }
}

function refusalOrRepeat(
  type: string,
  verdict: Exclude<AppendVerdict, { status: 'accepted' }>,
  durability: Durability,
): OfferVerdict {
  if (verdict.status === 'conflict') return conflict(type, verdict.id)
  // When the first command was accepted is told by its id, which was made just before.
  return { status: 'duplicate', id: verdict.id, acceptedAt: chunkIdTime(verdict.id), durability }
}

/** After a conflict nothing of the call is stored: what would have been accepted was not, nor what would have repeated it. */
function refuseStored(verdicts: readonly OfferVerdict[], chunkIds: ReadonlySet<string>): OfferVerdict[] {
  const refusal = atomicRefused(verdicts.findIndex(({ status }) => status === 'rejected'))
  return verdicts.map((verdict) => {
    if (verdict.status === 'rejected') return verdict
    return chunkIds.has(verdict.id.slice(0, verdict.id.indexOf('-'))) ? refusal : verdict
  })
}
