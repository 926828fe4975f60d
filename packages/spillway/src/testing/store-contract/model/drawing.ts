// What a step of a random sequence is about, drawn from its choices. Times are odd so that no two of them ever coincide: a
// store may treat the very millisecond of a deadline either way.

import type { ChunkDraft, LeaseRef, Settlement } from '../../../domain/index.js'
import { liveIndexes } from './model.js'
import { heldInModel } from './settling.js'
import { DUE_AFTER_MS, drawUpdate, orderingKeyOf } from './updating.js'
import type { World } from './world.js'

export const LEASES_MS = [15_007, 40_007] as const
const KEY_WINDOW_MS = 60_009

export function drawDraft({ scene, choices, lanes }: World): ChunkDraft {
  const size = 1 + choices.below(4)
  const ordered = choices.pick(lanes) === 'ordered'
  const indexes = Array.from({ length: size }, (_, index) => index)
  const scheduled = choices.once(4)
  const keyed = choices.once(3)
  return scene.draft({
    queue: ordered ? 'ordered' : 'main',
    type: choices.pick(['work', 'other']),
    priority: choices.below(3) - 1,
    partition: ordered ? choices.below(2) : null,
    tenant: ordered ? null : choices.pick([null, null, 'a', 'b']),
    payloads: indexes.map(() => choices.below(3)),
    keys: keyed ? indexes.map(() => choices.pick([null, 'a', 'b', 'c'])) : indexes.map(() => null),
    windowMs: KEY_WINDOW_MS,
    parked: scheduled
      ? indexes.map((index) => ({
          state: 'scheduled',
          nextAt: scene.now() + choices.pick(DUE_AFTER_MS),
          attempts: 0,
          error: null,
          orderingKey: ordered ? orderingKeyOf(index) : null,
        }))
      : null,
  })
}

/** Mostly a lease that holds, sometimes one that is gone, sometimes a token nobody has. */
export function drawLease({ choices, leases, model }: World): LeaseRef | null {
  const held = leases.filter((lease) => heldInModel(model, lease) !== null)
  const among = held.length === 0 || choices.once(4) ? leases : held
  const lease = among[choices.below(Math.max(1, among.length))]
  if (lease === undefined) return null
  return { chunkId: lease.chunkId, token: choices.once(16) ? lease.token + 1 : lease.token }
}

export function drawSettlement(world: World): Settlement | null {
  const ref = drawLease(world)
  if (ref === null) return null
  const complete = world.choices.below(2) === 0
  return { ...drawProgress(world, ref, complete), complete }
}

/** Unless it says that the chunk is complete it leaves something to do, so that who crashes leaves work behind. */
export function drawProgress(world: World, ref: LeaseRef, complete: boolean): Omit<Settlement, 'complete'> {
  const { choices, model } = world
  const held = heldInModel(model, ref)
  const live = held === null ? [0] : liveIndexes(held)
  const touched = complete ? live : live.slice(0, -1)
  // What is being undone never just succeeds.
  const isUndoing = held?.stage === 'compensate'
  const spoken = isUndoing ? touched : choices.some(touched)
  const updates = spoken.map((index) => drawUpdate(world, index, held, held?.commands[index] ?? null))
  const finished = isUndoing ? [] : choices.some(touched.filter((index) => !spoken.includes(index)))
  const item = { chunkId: ref.chunkId, token: ref.token, updates, finished }
  return choices.once(4) ? { ...item, appends: [drawDraft(world)] } : item
}

export function drawIds({ choices, model }: World): string[] {
  const ids = [...model.commands.keys()]
  const start = choices.below(Math.max(1, ids.length))
  return ids.slice(start, start + 1 + choices.below(4))
}
