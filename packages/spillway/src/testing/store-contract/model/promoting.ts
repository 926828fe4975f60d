// A promotion in a random sequence: what it lets go and what it moves is known beforehand.

import { carriedState, PARKED_STATES } from '../../../domain/index.js'
import { byDueTime, expectInOrder, freeInModel } from './ordering.js'
import type { World } from './world.js'

/** Blocked ones wait for others, not for their time. */
const DUE_STATES = PARKED_STATES.filter((state) => state !== 'blocked')

/** Lets go of what is free, then moves as many as are due, in order, and each once (I8, I10, I17). */
export async function promoteWith({ scene, model }: World, limit: number): Promise<void> {
  const { expect, store } = scene
  const free = freeInModel(model)
  const seq = model.nextSeq()
  const newChunkId = () => {
    const id = scene.newChunkId()
    model.sealed.set(id, seq)
    return id
  }
  const count = await store.promote({ limit, chunkCommandsMax: 2, newChunkId })
  const states = await scene.states(free.map(({ id }) => id))
  const released = free.filter((_, at) => states[at] !== 'blocked')
  const kept = free.filter((command) => !released.includes(command))
  // A call may let go of fewer than it could, as long as one after the other lets go of all.
  expect(released.length, 'let go of some that are free').toBeGreaterThan(Math.min(1, free.length) - 1)
  expect(released.length, 'let go of no more than were asked for').toBeLessThan(limit + 1)
  expectInOrder(released, kept, expect)
  for (const command of released) {
    command.state = 'retrying'
    command.nextAt = scene.now()
  }
  const due = model
    .inState(...DUE_STATES)
    .filter(({ nextAt, carrier }) => carrier === null && nextAt <= scene.now())
  const moved = due.sort(byDueTime).slice(0, limit)
  expect(count, 'moved as many as are due').toBe(moved.length)
  for (const command of moved) {
    command.carrier = 'sealed'
    command.promotedAt = scene.now()
    command.state = carriedState(command.stage, false)
  }
}
