// The property behind the examples: whatever is done in whatever order, the store and a tiny model of it agree about every
// verdict, token, state and count after every step (I3, I4, I5, I6, I7, I17, I21), and in the end everything ends (I18).

import { PARKED_STATES, type Settlement } from '../../../domain/index.js'
import { Choices } from '../model/choices.js'
import { liveIndexes } from '../model/model.js'
import { claimWith, TIMES } from '../model/operations.js'
import { promoteWith } from '../model/promoting.js'
import { heldInModel, settleInModel } from '../model/settling.js'
import { discardAll, expectAudited } from '../model/verbs.js'
import { expectAgreement, newWorld, type World } from '../model/world.js'
import type { Theme } from '../suite.js'
import { undone } from '../updates.js'

const DRAIN_ROUNDS_MAX = 1_000
const DRAIN_STEP_MS = 100_000

export const modelTheme: Theme = {
  name: 'model',
  define({ forAllScenes }) {
    forAllScenes(
      'agrees with the model after every step of any sequence, and everything ends',
      async (scene, values) => {
        const world = await newWorld(scene, new Choices(values))
        const operations = world.choices.pick(TIMES)
        const trail: string[] = []
        try {
          while (world.choices.left) {
            const operation = world.choices.pick(operations)
            trail.push(operation.name)
            await operation(world)
            await expectAgreement(world)
          }
          await drain(world)
          await expectAudited(world)
        } catch (error) {
          throw new Error(`Store and model disagree after ${trail.join(', ')}: ${error}`, { cause: error })
        }
      },
    )
  },
}

async function drain(world: World): Promise<void> {
  const { scene, model } = world
  for (const queue of model.settings.keys()) {
    await scene.store.control.configureQueue(queue, { paused: false, leasesMax: null })
  }
  model.settings.clear()
  for (let round = 0; round < DRAIN_ROUNDS_MAX; round += 1) {
    // A dead command holds up those behind it until somebody decides about it.
    await discardAll(world)
    if (model.inState('accepted', 'running', ...PARKED_STATES).length === 0) return
    await scene.advance(DRAIN_STEP_MS)
    await promoteWith(world, 100)
    for (const queue of ['main', 'ordered']) await runAll(world, queue)
    await expectAgreement(world)
  }
  throw neverEnds()
}

function neverEnds(): Error {
  return new Error(
    `Commands were left open after ${DRAIN_ROUNDS_MAX} rounds of claiming and settling everything.`,
  )
}

async function runAll(world: World, queue: string): Promise<void> {
  for (let round = 0; round < DRAIN_ROUNDS_MAX; round += 1) {
    if ((await runSome(world, queue)) === 0) return
  }
  throw neverEnds()
}

/** Claims and settles what can be claimed now; returns how many chunks. */
async function runSome(world: World, queue: string): Promise<number> {
  const { scene, model, leases } = world
  const request = {
    queue,
    types: ['work', 'other'],
    chunksMax: 50,
    commandsMax: 1_000,
    leaseMs: 30_007,
    workerId: 'drain',
  }
  const given = await claimWith(world, request)
  if (given === 0) return 0
  const items = leases.slice(-given).map((lease): Settlement => {
    const held = heldInModel(model, lease)
    const isUndoing = lease.stage === 'compensate' && held !== null
    const updates = isUndoing ? liveIndexes(held).map((index) => undone(index)) : []
    return { chunkId: lease.chunkId, token: lease.token, updates, finished: [], complete: true }
  })
  scene
    .expect(await scene.store.settle(items))
    .toEqual(items.map((item) => settleInModel(model, item, scene.now())))
  return given
}
