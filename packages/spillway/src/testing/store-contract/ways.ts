// Every way into every state a command can have: where the transitions are tried from.

import type { CommandState, CommandUpdate, LeaseRef, Stage } from '../../domain/index.js'
import { DAY_MS, type Scene } from './scene.js'
import { awaiting, blocking, doubting, dying, failing, retrying, undoing, undone } from './updates.js'

/** A command brought into a state, and the last lease anybody had of it. */
export interface Place {
  readonly id: string
  readonly lease: LeaseRef
  /** Of a blocked command: the one before it. */
  readonly holder?: string
}

export interface Way {
  readonly way: string
  readonly state: CommandState
  bring(scene: Scene): Promise<Place>
  /** A worker has it, and says what happens. */
  readonly held?: true
  /** Default `execute`. */
  readonly stage?: Stage
}

export const RETRY_MS = 1_000
export const KEY = 'one key'

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

async function promoted(scene: Scene, update = retrying(0, RETRY_MS)): Promise<Place> {
  const { id } = await settled(scene, update)
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

async function reclaimed(scene: Scene, update?: CommandUpdate): Promise<Place> {
  const { id } = await promoted(scene, update)
  return { id, lease: await scene.claimOne() }
}

/** With something that is due before it, so that one promotion can let go of it without moving it. */
async function blocked(scene: Scene): Promise<Place> {
  await scene.park([retrying(0, 0)])
  await scene.advance(1)
  const ordered = { partition: 1 }
  const before = await scene.park([retrying(0, DAY_MS, 1, { orderingKey: KEY })], ordered)
  const { ids, chunkId } = await scene.park([blocking(0, KEY)], ordered)
  return { id: ids[0] as string, lease: { chunkId, token: 1 }, holder: before.ids[0] as string }
}

async function cancelled(scene: Scene, place: Place): Promise<Place> {
  await scene.store.control.cancel([place.id])
  return place
}

/** Every way into every state. */
export const WAYS: readonly Way[] = [
  { way: 'submitted', state: 'accepted', bring: submitted },
  { way: 'promoted', state: 'accepted', bring: promoted },
  { way: 'claimed', state: 'running', bring: claimed, held: true },
  { way: 'claimed after a retry', state: 'running', bring: reclaimed, held: true },
  {
    way: 'submitted for later',
    state: 'scheduled',
    async bring(scene) {
      const due = { nextAt: scene.now() + RETRY_MS, attempts: 0, error: null }
      const { ids, chunkId } = await scene.submit({ parked: [{ ...due, state: 'scheduled' }] })
      return { id: ids[0] as string, lease: { chunkId, token: 1 } }
    },
  },
  { way: 'tried once', state: 'retrying', bring: (scene) => settled(scene, retrying(0, RETRY_MS)) },
  { way: 'in doubt', state: 'reconciling', bring: (scene) => settled(scene, doubting(0, RETRY_MS)) },
  {
    way: 'about to be asked about',
    state: 'reconciling',
    bring: (scene) => promoted(scene, doubting(0, RETRY_MS)),
  },
  {
    way: 'asked about',
    state: 'reconciling',
    bring: (scene) => reclaimed(scene, doubting(0, RETRY_MS)),
    held: true,
  },
  { way: 'sent', state: 'pending', bring: (scene) => settled(scene, awaiting(0, RETRY_MS, 'hash')) },
  {
    way: 'polled',
    state: 'pending',
    bring: (scene) => reclaimed(scene, awaiting(0, RETRY_MS, 'hash')),
    held: true,
  },
  { way: 'behind another', state: 'blocked', bring: blocked },
  { way: 'to be undone', state: 'compensating', bring: (scene) => settled(scene, undoing(0, RETRY_MS)) },
  {
    way: 'being undone',
    state: 'compensating',
    bring: (scene) => reclaimed(scene, undoing(0, RETRY_MS)),
    held: true,
  },
  { way: 'done at once', state: 'succeeded', bring: (scene) => settled(scene) },
  {
    way: 'done after a retry',
    state: 'succeeded',
    async bring(scene) {
      const place = await reclaimed(scene)
      await scene.settle(place.lease)
      return place
    },
  },
  { way: 'refused', state: 'failed', bring: (scene) => settled(scene, failing(0)) },
  { way: 'undone', state: 'compensated', bring: (scene) => settled(scene, undone(0)) },
  { way: 'given up', state: 'dead', bring: (scene) => settled(scene, dying(0)) },
  {
    way: 'given up asking',
    state: 'dead',
    bring: (scene) => settled(scene, dying(0, 1, { stage: 'reconcile' })),
    stage: 'reconcile',
  },
  {
    way: 'given up undoing',
    state: 'dead',
    bring: (scene) => settled(scene, dying(0, 1, { stage: 'compensate' })),
    stage: 'compensate',
  },
  {
    way: 'cancelled in its chunk',
    state: 'cancelled',
    bring: async (scene) => cancelled(scene, await submitted(scene)),
  },
  {
    way: 'cancelled after a retry',
    state: 'cancelled',
    bring: async (scene) => cancelled(scene, await promoted(scene)),
  },
]
