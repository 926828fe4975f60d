// From a draft and what is known of its keys to the chunk that is stored: which of its commands are absent, and what its first append
// answered, so that a resend is answered the same.

import { type AppendVerdict, type ChunkDraft, isTerminal, type ParkedDraft } from '../../domain/index.js'
import type { AppendResult } from '../../ports/index.js'
import type { NewChunk } from './chunks.js'
import { openOf, unsuccessfulOf } from './families.js'
import { formatIndexes } from './index-list.js'
import { CHUNKS_BY_ID } from './indexes.js'
import { ACCEPTED } from './keys.js'
import { BLANK, type ParkedRow, writeRows } from './parked.js'
import { placeSql } from './place.js'
import { completionAt } from './row-content.js'
import { text } from './sql-text.js'

/** Why a command of a stored chunk is not in the store: index, verdict, id of the command that came first. */
export type Absence = readonly [index: number, status: AppendVerdict['status'], id: string | null]

export interface StoredChunk {
  readonly id: string
  readonly size: number
  readonly absent: string | null
  readonly created_at: number
}

/** The chunk of a draft, or null when nothing of it is to be stored: with `remember` it is then kept without a command. */
export function chunkOf(
  draft: ChunkDraft,
  verdicts: readonly AppendVerdict[] | null,
  remember = false,
): NewChunk | null {
  const { id, queue, type, priority, partition, codec, size, parked } = draft
  const absences = absencesOf(draft, verdicts)
  const isEmpty = absences.length === size
  if (isEmpty && !remember) return null
  const rows = parked === null ? [] : presentEntries(parked, absences)
  return {
    ...{ id, queue, type, priority, partition, codec, size },
    body: isEmpty ? '[]' : draft.body,
    tenant: draft.tenant ?? null,
    stage: 'execute',
    state: parked === null && !isEmpty ? 'ready' : 'done',
    accepted: size - absences.length,
    open: rows.reduce((sum, [, { state }]) => sum + openOf(state), 0),
    unsuccessful: rows.reduce((sum, [, { state }]) => sum + unsuccessfulOf(state), 0),
    skip: formatIndexes(absences.map(([index]) => index)),
    absent: absences.length === 0 ? null : JSON.stringify(absences),
    members: null,
  }
}

/** The rows of a draft that is stored as parked, once its chunk is. */
export function parkedRowsOf(draft: ChunkDraft, chunk: NewChunk, now: number): string[] {
  if (draft.parked === null) return []
  const absences = parseAbsences(chunk.absent)
  const rows = presentEntries(draft.parked, absences).map(([index, entry]) =>
    rowOf(draft.id, index, entry, now),
  )
  const { id, queue, type, priority, partition } = draft
  return [
    `set @spillway_origin = (select seq from ${CHUNKS_BY_ID} where id = ${text(id)})`,
    ...writeRows({ queue, type, priority, partition, carrier: null }, rows),
  ]
}

function presentEntries(
  parked: readonly (ParkedDraft | null)[],
  absences: readonly Absence[],
): (readonly [number, ParkedDraft])[] {
  const absent = new Set(absences.map(([index]) => index))
  return [...parked.entries()].flatMap(([index, entry]) =>
    entry === null || absent.has(index) ? [] : [[index, entry] as const],
  )
}

function rowOf(chunkId: string, index: number, entry: ParkedDraft, now: number): ParkedRow {
  const { state, stage = 'execute', attempts, error } = entry
  const ended = isTerminal(state)
  const waits = !ended && state !== 'blocked'
  return {
    ...BLANK,
    ...{ chunkId, index, state, stage, attempts, error, place: placeSql('@spillway_origin', index) },
    nextAt: waits ? Math.trunc(entry.nextAt ?? now) : null,
    acceptedAt: now,
    finishedAt: ended ? now : null,
    result: entry.result ?? null,
    memo: entry.memo ?? null,
    orderingKey: entry.orderingKey ?? null,
    completion: completionAt(entry.completion, now),
    fingerprint: entry.fingerprint ?? null,
    tried: error === null ? null : { at: now, stage: 'execute', ran: undefined },
  }
}

function absencesOf(draft: ChunkDraft, verdicts: readonly AppendVerdict[] | null): Absence[] {
  const absences: Absence[] = []
  if (verdicts === null && draft.parked === null) return absences
  for (let index = 0; index < draft.size; index += 1) {
    const verdict = verdicts?.[index] ?? ACCEPTED
    if (verdict.status !== 'accepted') absences.push([index, verdict.status, verdict.id])
    else if (draft.parked?.[index] === null) absences.push([index, 'accepted', null])
  }
  return absences
}

/** What the chunk's first append answered. */
export function resultOf({ created_at, absent, size }: StoredChunk): AppendResult {
  const createdAt = Number(created_at)
  const absences = parseAbsences(absent)
  if (absences.every(([, status]) => status === 'accepted')) return { createdAt, verdicts: null }
  const verdicts = new Array<AppendVerdict>(Number(size)).fill(ACCEPTED)
  for (const [index, status, id] of absences) {
    if (status !== 'accepted') verdicts[index] = { status, id: id as string }
  }
  return { createdAt, verdicts }
}

export function parseAbsences(text: string | null): readonly Absence[] {
  return text === null ? [] : (JSON.parse(text) as Absence[])
}

export function hasConflict(result: AppendResult): boolean {
  return result.verdicts?.some((verdict) => verdict.status === 'conflict') ?? false
}
