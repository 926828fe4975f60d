// The store, the model beside it, and the check that they agree.

import { type ChunkDraft, isTerminal, type Lease } from '../../../domain/index.js'
import { expectAccounting } from '../accounting.js'
import type { Scene } from '../scene.js'
import type { Choices } from './choices.js'
import { Model } from './model.js'

export interface World {
  readonly scene: Scene
  readonly model: Model
  readonly choices: Choices
  /** Every lease ever given, stale or not. */
  readonly leases: Lease[]
  /** Every draft ever sent. */
  readonly drafts: ChunkDraft[]
}

export async function newWorld(scene: Scene, choices: Choices): Promise<World> {
  const columns = { id: 'text', n: 'integer' } as const
  await scene.subject.createTable({ name: 'effects', columns, key: ['id'] })
  return { scene, model: new Model(), choices, leases: [], drafts: [] }
}

/** Every command is where the model has it, and the numbers agree (I4, I21). */
export async function expectAgreement({ scene, model }: World): Promise<void> {
  const { expect, store } = scene
  const commands = [...model.commands.values()]
  const views = await store.reader.get(commands.map(({ id }) => id))
  const shown = views.map((view) => view && [view.id, view.state, view.generation])
  expect(shown).toEqual(commands.map(({ id, state, generation }) => [id, state, generation]))
  for (const [at, command] of commands.entries()) {
    const waits = command.state === 'scheduled' || command.state === 'retrying'
    const settled = waits || isTerminal(command.state)
    if (settled && command.attempts !== null)
      expect(views[at]?.attempts, `attempts of ${command.id}`).toBe(command.attempts)
    expect(views[at]?.nextAt, `nextAt of ${command.id}`).toBe(waits ? command.nextAt : null)
  }
  expect((await store.reader.accounting()).accepted).toBe(commands.length)
  await expectAccounting(store, expect)
}
