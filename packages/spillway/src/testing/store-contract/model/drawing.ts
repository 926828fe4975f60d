// What a step of a random sequence is about, drawn from its choices. Times are odd so that no two of them ever coincide: a
// store may treat the very millisecond of a deadline either way.

import type { ChunkDraft, CommandUpdate, LeaseRef, Settlement } from '../../../domain/index.js'
import { dying, failing, retrying, type Scene, succeeding } from '../scene.js'
import type { Choices } from './choices.js'
import { liveIndexes, type ModelCommand } from './model.js'
import { heldInModel } from './settling.js'
import type { World } from './world.js'

export const LEASES_MS = [15_007, 40_007] as const
const DUE_AFTER_MS = [1_003, 25_003] as const
const KEY_WINDOW_MS = 60_009

export function drawDraft(scene: Scene, choices: Choices): ChunkDraft {
  const size = 1 + choices.below(4)
  const ordered = choices.once(4)
  const indexes = Array.from({ length: size }, (_, index) => index)
  const scheduled = choices.once(4)
  return scene.draft({
    queue: ordered ? 'ordered' : 'main',
    type: choices.pick(['work', 'other']),
    priority: choices.below(3) - 1,
    partition: ordered ? choices.below(2) : null,
    payloads: indexes.map(() => choices.below(3)),
    keys: indexes.map(() => choices.pick([null, null, 'a', 'b', 'c'])),
    windowMs: KEY_WINDOW_MS,
    parked: scheduled
      ? indexes.map(() => ({
          state: 'scheduled',
          nextAt: scene.now() + choices.pick(DUE_AFTER_MS),
          attempts: 0,
          error: null,
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
export function drawProgress(
  { choices, model }: World,
  ref: LeaseRef,
  complete: boolean,
): Omit<Settlement, 'complete'> {
  const held = heldInModel(model, ref)
  const live = held === null ? [0] : liveIndexes(held)
  const touched = complete ? live : live.slice(0, -1)
  const updates = choices
    .some(touched)
    .map((index) => drawUpdate(choices, index, held?.commands[index] ?? null))
  const updated = new Set(updates.map(({ index }) => index))
  const finished = choices.some(touched.filter((index) => !updated.has(index)))
  return { chunkId: ref.chunkId, token: ref.token, updates, finished }
}

function drawUpdate(choices: Choices, index: number, command: ModelCommand | null): CommandUpdate {
  const attempts = (command?.attempts ?? 0) + 1
  return choices.pick<() => CommandUpdate>([
    () => succeeding(index, 'value', attempts),
    () => failing(index, attempts),
    () => retrying(index, choices.pick(DUE_AFTER_MS), attempts),
    () => dying(index, attempts),
  ])()
}

export function drawIds({ choices, model }: World): string[] {
  const ids = [...model.commands.keys()]
  const start = choices.below(Math.max(1, ids.length))
  return ids.slice(start, start + 1 + choices.below(4))
}
