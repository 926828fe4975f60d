// What append must answer, and what the store holds afterwards.

import { type AppendVerdict, type ChunkDraft, commandId, type KeyDraft } from '../../../domain/index.js'
import type { AppendOptions, AppendResult } from '../../../ports/index.js'
import {
  type Model,
  type ModelChunk,
  type ModelCommand,
  type ModelKey,
  newModelChunk,
  settingsInModel,
} from './model.js'

const ACCEPTED: AppendVerdict = { status: 'accepted' }

export function appendToModel(
  model: Model,
  drafts: readonly ChunkDraft[],
  { atomic = false, remember = false }: Pick<AppendOptions<never>, 'atomic' | 'remember'>,
  now: number,
): AppendResult[] {
  const keys = new Map(model.keys)
  const fresh: ModelChunk[] = []
  const results = drafts.map((draft): AppendResult => {
    const known = model.chunks.get(draft.id) ?? fresh.find(({ id }) => id === draft.id)
    if (known !== undefined) return { createdAt: known.createdAt, verdicts: known.verdicts }
    const verdicts = Array.from({ length: draft.size }, (_, index) => verdictOf(keys, draft, index, now))
    const chunk = toChunk(model, draft, verdicts, now)
    fresh.push(chunk)
    return { createdAt: now, verdicts: chunk.verdicts }
  })
  const refused =
    atomic && results.some(({ verdicts }) => verdicts?.some(({ status }) => status === 'conflict'))
  if (!refused) store(model, fresh, keys, remember)
  return results
}

/** When they were stored as settled, or null where there is more to say about them. */
export function appendSettledToModel(
  model: Model,
  drafts: readonly ChunkDraft[],
  now: number,
): number | null {
  const isPlain = drafts.every(({ queue, partition, parked }) => {
    const { paused, leasesMax } = settingsInModel(model, queue)
    return partition === null && parked === null && !paused && leasesMax === null
  })
  const ids = new Set(drafts.map(({ id }) => id))
  const isFresh = ids.size === drafts.length && drafts.every(({ id }) => !model.chunks.has(id))
  const keys = new Map(model.keys)
  const verdicts = drafts.flatMap((draft) =>
    Array.from({ length: draft.size }, (_, index) => verdictOf(keys, draft, index, now)),
  )
  if (!isPlain || !isFresh || verdicts.some((verdict) => verdict !== ACCEPTED)) return null
  appendToModel(model, drafts, {}, now)
  for (const id of ids) endInModel(model.chunks.get(id) as ModelChunk, now)
  return now
}

function endInModel(chunk: ModelChunk, now: number): void {
  chunk.doneAt = now
  for (const [index, command] of chunk.commands.entries()) {
    chunk.over.add(index)
    Object.assign(command as ModelCommand, { state: 'succeeded', attempts: null, finishedAt: now })
  }
}

function verdictOf(
  keys: Map<string, ModelKey>,
  draft: ChunkDraft,
  index: number,
  now: number,
): AppendVerdict {
  const key: KeyDraft | null = draft.keys?.[index] ?? null
  if (key === null) return ACCEPTED
  const name = JSON.stringify([draft.type, key.key])
  const known = keys.get(name)
  if (known === undefined || known.expiresAt <= now) {
    const id = commandId(draft.id, index)
    keys.set(name, { id, fingerprint: key.fingerprint, expiresAt: now + key.windowMs })
    return ACCEPTED
  }
  return { status: known.fingerprint === key.fingerprint ? 'duplicate' : 'conflict', id: known.id }
}

function toChunk(
  model: Model,
  draft: ChunkDraft,
  verdicts: readonly AppendVerdict[],
  now: number,
): ModelChunk {
  const payloads: unknown[] = JSON.parse(draft.body)
  const allAccepted = verdicts.every((verdict) => verdict === ACCEPTED)
  const { id, queue, type, priority, partition, tenant = null, parked } = draft
  const chunk = newModelChunk(
    {
      id,
      draft: { queue, type, priority, partition, tenant },
      stage: 'execute',
      seq: model.nextSeq(),
      createdAt: now,
      promoted: false,
      verdicts: allAccepted ? null : verdicts,
    },
    (origin) =>
      verdicts.map((verdict, index): ModelCommand | null => {
        if (verdict !== ACCEPTED) return null
        const row = parked?.[index] ?? null
        return {
          id: commandId(id, index),
          origin,
          index,
          payload: JSON.stringify(payloads[index]),
          state: row?.state ?? 'accepted',
          attempts: row?.attempts ?? 0,
          generation: 0,
          nextAt: row?.nextAt ?? 0,
          finishedAt: 0,
          stage: row?.stage ?? 'execute',
          memo: row?.memo ?? null,
          orderingKey: row?.orderingKey ?? null,
          completion: null,
          carrier: null,
          promotedAt: 0,
        }
      }),
  )
  if (parked !== null) chunk.doneAt = now
  return chunk
}

/** What follows from a settlement or a verb: keys are not looked at. */
export function appendFollowing(
  model: Model,
  drafts: readonly (ChunkDraft | null)[] | undefined,
  now: number,
): void {
  const given = drafts?.filter((draft) => draft !== null) ?? []
  appendToModel(
    model,
    given.map((draft) => ({ ...draft, keys: null })),
    {},
    now,
  )
}

function store(
  model: Model,
  fresh: readonly ModelChunk[],
  keys: ReadonlyMap<string, ModelKey>,
  remember: boolean,
): void {
  for (const [name, key] of keys) model.keys.set(name, key)
  for (const chunk of fresh) {
    const stored = chunk.commands.filter((command) => command !== null)
    if (stored.length === 0 && !remember) continue
    if (stored.length === 0) chunk.doneAt = chunk.createdAt
    model.chunks.set(chunk.id, chunk)
    for (const command of stored) model.commands.set(command.id, command)
  }
}
