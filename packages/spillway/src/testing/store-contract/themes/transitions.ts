// Transitions: for every state and every event, what the store does is what the domain's table says, forbidden pairs
// included (I4).

import {
  COMMAND_STATES,
  type CommandEvent,
  type CommandState,
  type CommandUpdate,
  EVENTS,
  type LeaseRef,
  transition,
} from '../../../domain/index.js'
import { dying, failing, retrying, type Scene } from '../scene.js'
import type { Theme } from '../suite.js'

/** A command brought into a state, and the last lease anybody had of it. */
interface Place {
  readonly id: string
  readonly lease: LeaseRef
}

const RETRY_MS = 1_000

async function submitted(scene: Scene): Promise<Place> {
  const { ids, chunkId } = await scene.submit()
  return { id: ids[0] as string, lease: { chunkId, token: 1 } }
}

async function claimed(scene: Scene): Promise<Place> {
  const { id } = await submitted(scene)
  return { id, lease: await scene.claimOne() }
}

async function settled(scene: Scene, update?: CommandUpdate): Promise<Place> {
  const place = await claimed(scene)
  await scene.settle(place.lease, { updates: update === undefined ? [] : [update] })
  return place
}

async function promoted(scene: Scene): Promise<Place> {
  const { id } = await settled(scene, retrying(0, RETRY_MS))
  let chunkId = ''
  await scene.advance(RETRY_MS + 1)
  await scene.promote({
    newChunkId: () => {
      chunkId = scene.newChunkId()
      return chunkId
    },
  })
  return { id, lease: { chunkId, token: 1 } }
}

async function reclaimed(scene: Scene): Promise<Place> {
  const { id } = await promoted(scene)
  return { id, lease: await scene.claimOne() }
}

/** Every way into every state. */
const WAYS: readonly [way: string, state: CommandState, bring: (scene: Scene) => Promise<Place>][] = [
  ['submitted', 'accepted', submitted],
  ['promoted', 'accepted', promoted],
  ['claimed', 'running', claimed],
  ['claimed after a retry', 'running', reclaimed],
  [
    'submitted for later',
    'scheduled',
    async (scene) => {
      const parked = [
        { state: 'scheduled' as const, nextAt: scene.now() + RETRY_MS, attempts: 0, error: null },
      ]
      const { ids, chunkId } = await scene.submit({ parked })
      return { id: ids[0] as string, lease: { chunkId, token: 1 } }
    },
  ],
  ['tried once', 'retrying', (scene) => settled(scene, retrying(0, RETRY_MS))],
  ['done at once', 'succeeded', (scene) => settled(scene)],
  [
    'done after a retry',
    'succeeded',
    async (scene) => {
      const place = await reclaimed(scene)
      await scene.settle(place.lease)
      return place
    },
  ],
  ['refused', 'failed', (scene) => settled(scene, failing(0))],
  ['given up', 'dead', (scene) => settled(scene, dying(0))],
  [
    'cancelled in its chunk',
    'cancelled',
    async (scene) => {
      const place = await submitted(scene)
      await scene.store.control.cancel([place.id])
      return place
    },
  ],
  [
    'cancelled after a retry',
    'cancelled',
    async (scene) => {
      const place = await promoted(scene)
      await scene.store.control.cancel([place.id])
      return place
    },
  ],
]

/** Makes the event happen, as far as the store lets it, and returns the verdict if the event has one. */
const HAPPEN: Record<CommandEvent, (scene: Scene, place: Place) => Promise<unknown>> = {
  claim: (scene) => scene.claim(),
  lose: (scene, { lease }) => scene.extend(lease, { release: true }),
  ok: (scene, { lease }) => scene.settle(lease),
  fail: (scene, { lease }) => scene.settle(lease, { updates: [failing(0)] }),
  retry: (scene, { lease }) => scene.settle(lease, { updates: [retrying(0, RETRY_MS)] }),
  exhaust: (scene, { lease }) => scene.settle(lease, { updates: [dying(0)] }),
  promote: async (scene) => {
    await scene.advance(RETRY_MS + 1)
    return scene.promote()
  },
  cancel: async (scene, { id }) => (await scene.store.control.cancel([id]))[0],
  redrive: async (scene, { id }) => (await scene.store.control.redrive([id]))[0],
}

/** What the port answers for an event that the state allows, and for one that it does not. */
const VERDICTS: Partial<Record<CommandEvent, readonly [allowed: string, forbidden: string]>> = {
  lose: ['ok', 'stale'],
  ok: ['ok', 'stale'],
  fail: ['ok', 'stale'],
  retry: ['ok', 'stale'],
  exhaust: ['ok', 'stale'],
  cancel: ['ok', 'conflict'],
  redrive: ['ok', 'conflict'],
}

export const transitionsTheme: Theme = {
  name: 'transitions',
  define({ test }) {
    test('are checked for every state', async ({ expect }) => {
      expect(new Set(WAYS.map(([, state]) => state))).toEqual(new Set(COMMAND_STATES))
    })

    for (const [way, state, bring] of WAYS) {
      for (const event of EVENTS) {
        const follows = transition(state, event)
        test(`${way} (${state}): ${event} ${follows === null ? 'changes nothing' : `makes it ${follows}`}`, async (scene) => {
          const { expect } = scene
          const place = await bring(scene)
          const before = await scene.view(place.id)
          expect(before.state).toBe(state)
          const verdict = await HAPPEN[event](scene, place)
          const expected = VERDICTS[event]?.[follows === null ? 1 : 0]
          if (expected !== undefined) expect(verdict).toBe(expected)
          if (follows === null) expect(await scene.view(place.id)).toEqual(before)
          else expect((await scene.view(place.id)).state).toBe(follows)
        })
      }
    }
  },
}
