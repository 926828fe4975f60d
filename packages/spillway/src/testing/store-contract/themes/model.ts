// The property behind the examples: whatever is done in whatever order, the store and a tiny model of it agree about every
// verdict, token, state and count after every step (I3, I4, I5, I6, I7, I17, I21), and in the end everything ends (I18).

import { Choices } from '../model/choices.js'
import { claimWith, OPERATIONS, promoteWith } from '../model/operations.js'
import { settleInModel } from '../model/settling.js'
import { expectAgreement, newWorld, type World } from '../model/world.js'
import type { Theme } from '../suite.js'

const DRAIN_ROUNDS_MAX = 1_000
const DRAIN_STEP_MS = 100_000

export const modelTheme: Theme = {
  name: 'model',
  define({ forAllScenes }) {
    forAllScenes(
      'agrees with the model after every step of any sequence, and everything ends',
      async (scene, values) => {
        const world = await newWorld(scene, new Choices(values))
        const trail: string[] = []
        try {
          while (world.choices.left) {
            const operation = world.choices.pick(OPERATIONS)
            trail.push(operation.name)
            await operation(world)
            await expectAgreement(world)
          }
          await drain(world)
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
    const open = model.inState('accepted', 'running', 'scheduled', 'retrying')
    if (open.length === 0) return
    await scene.advance(DRAIN_STEP_MS)
    await promoteWith(world, 100)
    for (const queue of ['main', 'ordered']) await runAll(world, queue)
    await expectAgreement(world)
  }
  throw new Error(
    `Commands were left open after ${DRAIN_ROUNDS_MAX} rounds of claiming and settling everything.`,
  )
}

async function runAll(world: World, queue: string): Promise<void> {
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
  if (given === 0) return
  const items = leases
    .slice(-given)
    .map(({ chunkId, token }) => ({ chunkId, token, updates: [], finished: [], complete: true }))
  scene
    .expect(await scene.store.settle(items))
    .toEqual(items.map((item) => settleInModel(model, item, scene.now())))
}
