// Storing chunks as settled, as the contract's tests do it: how it is asked for, and what must look as it did when it is declined.

import { type ChunkDraft, commandId } from '../../domain/index.js'
import type { BulkWrite } from '../../ports/index.js'
import type { Effects } from './effects.js'
import type { Scene } from './scene.js'
import { type Need, needsReopen, needsTransactions } from './suite.js'

/** A store may find out by failing that rows of a table repeat, but not again and again. */
export const TRIES_MAX = 8
export const AT_ONCE = 8

export const needsReopenAndTransactions: Need = (subject) =>
  needsTransactions(subject) ?? needsReopen(subject)

export function idsOf({ id, size }: ChunkDraft): string[] {
  return Array.from({ length: size }, (_, index) => commandId(id, index))
}

/** As a worker would: a row per command. */
export function settled(
  { store }: Scene,
  effects: Effects,
  drafts: readonly ChunkDraft[],
  rows: BulkWrite = effects.of(drafts.flatMap(idsOf)),
): Promise<number | null> {
  return store.appendSettled(drafts, rows)
}

/** What anybody can see. */
export async function everything({ store }: Scene, effects: Effects) {
  const { reader, control } = store
  return {
    accounting: await reader.accounting(),
    queues: await reader.queues(),
    items: (await reader.list({ limit: 100 })).items,
    settings: [...(await control.queueSettings())],
    rows: await effects.read(),
  }
}

/** Null, with nothing changed; nor does it need more than one attempt to find that out. */
export async function expectDeclined(
  scene: Scene,
  effects: Effects,
  drafts: readonly ChunkDraft[],
  rows?: BulkWrite,
): Promise<void> {
  const before = await everything(scene, effects)
  scene.expect(await settled(scene, effects, drafts, rows)).toBe(null)
  scene.expect(await everything(scene, effects)).toEqual(before)
  const views = await scene.store.reader.get(drafts.flatMap(idsOf))
  const listed = new Set(before.items.map(({ id }) => id))
  scene.expect(views.filter((view) => view !== null && !listed.has(view.id))).toEqual([])
}
