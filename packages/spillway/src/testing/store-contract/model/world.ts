// The store, the model beside it, and the check that they agree.

import {
  type ChunkDraft,
  commandId,
  type Lease,
  PARKED_STATES,
  TERMINAL_STATES,
} from '../../../domain/index.js'
import type { CommandView } from '../../../ports/index.js'
import { expectAccounting } from '../accounting.js'
import type { Scene } from '../scene.js'
import type { Choices } from './choices.js'
import { Model, type ModelCommand } from './model.js'

const SHOWN_STATES = ['running', ...PARKED_STATES, ...TERMINAL_STATES] as const

type Lane = 'main' | 'ordered'

/** Some stories are about one of them alone: a key that is held up takes a while to come by. */
const LANES: readonly [readonly [Lane, ...Lane[]], ...(readonly [Lane, ...Lane[]])[]] = [
  ['main', 'main', 'ordered'],
  ['main'],
  ['ordered'],
  ['ordered'],
]

export interface World {
  readonly scene: Scene
  readonly model: Model
  readonly choices: Choices
  /** Queues in which it happens, as often as they are named. */
  readonly lanes: readonly [Lane, ...Lane[]]
  /** Every lease ever given, stale or not. */
  readonly leases: Lease[]
  /** Every draft ever sent. */
  readonly drafts: ChunkDraft[]
}

export async function newWorld(scene: Scene, choices: Choices): Promise<World> {
  const columns = { id: 'text', n: 'integer' } as const
  await scene.subject.createTable({ name: 'effects', columns, key: ['id'] })
  const lanes = choices.pick(LANES)
  return { scene, model: new Model(), choices, lanes, leases: [], drafts: [] }
}

/** Every command is where the model has it, and the numbers agree (I4, I21). */
export async function expectAgreement({ scene, model }: World): Promise<void> {
  const { expect, store } = scene
  const commands = [...model.commands.values()]
  const views = await store.reader.get(commands.map(({ id }) => id))
  // One comparison and not one for every command: this runs after every step.
  expect(views.map((view, at) => view && shownOf(view, commands[at] as ModelCommand))).toEqual(
    commands.map(expectedOf),
  )
  const repeats = repeatsIn(model)
  const answers = await store.reader.get(repeats.map(({ id }) => id))
  expect(answers.map((view) => view?.id ?? null)).toEqual(repeats.map(({ first }) => first))
  const accounting = await store.reader.accounting()
  const states = Object.fromEntries(SHOWN_STATES.map((state) => [state, model.inState(state).length]))
  expect(accounting).toEqual({
    ...states,
    accepted: commands.length,
    ready: model.inState('accepted').length,
  })
  await expectAccounting(store, expect)
}

/** What was not stored, and the command that its id answers. */
function repeatsIn({ chunks, commands }: Model): { readonly id: string; readonly first: string | null }[] {
  return [...chunks.values()].flatMap(({ id, verdicts }) =>
    [...(verdicts?.entries() ?? [])].flatMap(([index, verdict]) => {
      if (verdict.status === 'accepted') return []
      const isKnown = verdict.status === 'duplicate' && commands.has(verdict.id)
      return [{ id: commandId(id, index), first: isKnown ? verdict.id : null }]
    }),
  )
}

function shownOf(view: CommandView, command: ModelCommand) {
  const { id, state, generation, stage, memo, attempts, nextAt } = view
  return { id, state, generation, stage, memo, nextAt, attempts: knowsAttempts(command) ? attempts : null }
}

function expectedOf(command: ModelCommand) {
  const { id, state, generation, stage, memo, attempts, nextAt } = command
  const due = state === 'scheduled' || state === 'retrying' ? nextAt : null
  return {
    id,
    state,
    generation,
    stage,
    memo,
    nextAt: due,
    attempts: knowsAttempts(command) ? attempts : null,
  }
}

/** In a chunk, a lease that expired may have counted. */
function knowsAttempts({ state, attempts }: ModelCommand): boolean {
  return attempts !== null && state !== 'accepted' && state !== 'running'
}
