// Whose commands a claim would find: of chunks that were seen, and of promoted ones that no claim has shown yet.

import type { ClaimRequest } from '../../../ports/index.js'
import { isLeased } from './claiming.js'
import { type Model, settingsInModel } from './model.js'

/** Tenant -> since when. Only for queues without partitions. */
export function tenantsInModel(
  model: Model,
  { queue, types }: Pick<ClaimRequest, 'queue' | 'types'>,
  now: number,
): Record<string, number> {
  const oldestAt: Record<string, number> = {}
  if (settingsInModel(model, queue).paused) return oldestAt
  const note = (tenant: string | null, at: number) => {
    const name = tenant ?? ''
    oldestAt[name] = Math.min(oldestAt[name] ?? at, at)
  }
  const wanted = (draft: { readonly queue: string; readonly type: string }) =>
    draft.queue === queue && types.includes(draft.type)
  for (const chunk of model.chunks.values()) {
    if (!wanted(chunk.draft) || chunk.doneAt !== null || isLeased(chunk, now)) continue
    note(chunk.draft.tenant, chunk.createdAt)
  }
  for (const { carrier, origin, promotedAt } of model.commands.values()) {
    if (carrier === 'sealed' && wanted(origin.draft)) note(origin.draft.tenant, promotedAt)
  }
  return oldestAt
}
