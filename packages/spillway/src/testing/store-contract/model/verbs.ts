// What operators and counterparts do in a random sequence: to any command, in any state, with who did it and what follows.

import {
  type ChunkDraft,
  type CommandUpdate,
  type ParkedState,
  redriveEvent,
  type Stage,
  transition,
} from '../../../domain/index.js'
import type { CompletionVerdict, VerbOptions } from '../../../ports/index.js'
import { appendFollowing } from './appending.js'
import { drawDraft, drawIds } from './drawing.js'
import type { ModelCommand } from './model.js'
import { cancelInModel, updateInModel } from './settling.js'
import { drawUpdate } from './updating.js'
import type { World } from './world.js'

const NOTE = { actor: 'tester', action: 'verb', target: 'some commands', reason: null }

function drawOptions(world: World, count: number): VerbOptions & { appends?: (ChunkDraft | null)[] } {
  const { choices } = world
  const audit = choices.below(2) === 0 ? { audit: NOTE } : {}
  if (!choices.once(4)) return audit
  const last = drawDraft(world)
  return { ...audit, appends: Array.from({ length: count }, (_, at) => (at === count - 1 ? last : null)) }
}

/** What was done is noted, and what follows from it is stored, with what took effect. */
function followed({ scene, model }: World, verdicts: readonly string[], options: VerbOptions): void {
  const done = verdicts.map((verdict) => verdict === 'ok')
  appendFollowing(
    model,
    options.appends?.filter((_, at) => done[at]),
    scene.now(),
  )
  const changed = done.filter(Boolean).length
  if (options.audit !== undefined && changed > 0) model.audited.push(changed)
}

/** Does a verb to some commands: `effect` is null where it must be a conflict. */
async function control(
  world: World,
  verb: (ids: readonly string[], options: VerbOptions) => Promise<readonly string[]>,
  effect: (command: ModelCommand, at: number) => (() => void) | null,
): Promise<void> {
  const { scene, model } = world
  const ids = drawIds(world)
  const options = drawOptions(world, ids.length)
  const answer = await verb(ids, options)
  for (const [at, id] of ids.entries()) {
    const happens = effect(model.commands.get(id) as ModelCommand, at)
    scene.expect(answer[at]).toBe(happens === null ? 'conflict' : 'ok')
    happens?.()
  }
  followed(world, answer, options)
}

export function cancel(world: World): Promise<void> {
  const { scene, model } = world
  return control(
    world,
    (ids, options) => scene.store.control.cancel(ids, options),
    (command) =>
      transition(command.state, 'cancel') === null ? null : () => cancelInModel(model, command, scene.now()),
  )
}

export function discard(world: World): Promise<void> {
  const { scene, model } = world
  return control(
    world,
    (ids, options) => scene.store.control.discard(ids, options),
    (command) => {
      if (transition(command.state, 'discard') === null) return null
      return () => {
        cancelInModel(model, command, scene.now())
        command.generation += 1
      }
    },
  )
}

const GOES_ON: Readonly<Record<string, Stage>> = { redriveDoubt: 'reconcile', redriveUndo: 'compensate' }

export function redrive(world: World): Promise<void> {
  const { scene, choices } = world
  const edited = choices.once(4) ? '"edited"' : null
  return control(
    world,
    (ids, options) => {
      const payloads = edited === null ? {} : { payloads: ids.map((_, at) => (at === 0 ? edited : null)) }
      return scene.store.control.redrive(ids, { ...options, ...payloads })
    },
    (command, at) => {
      const event = redriveEvent(command.state, command.stage)
      const next = transition(command.state, event) as ParkedState | null
      if (next === null) return null
      return () => {
        command.state = next
        command.stage = GOES_ON[event] ?? 'execute'
        command.attempts = 0
        command.generation += 1
        command.nextAt = scene.now()
        if (at === 0 && edited !== null) command.payload = edited
      }
    },
  )
}

/** A token that is waited for, or was, or an unknown one. */
export async function complete(world: World): Promise<void> {
  const { scene, model, choices } = world
  const { expect, store } = scene
  const waiting = model.inState('pending').flatMap(({ completion }) => completion?.tokenHash ?? [])
  if (waiting.length === 0 && !choices.once(4)) return
  const among = waiting.length === 0 || choices.once(4) ? [...model.tokens, 'no token'] : waiting
  const tokenHash = among[choices.below(among.length)] as string
  const command = findWaiting(world, tokenHash)
  expect((await store.reader.waiting(tokenHash))?.view.id ?? null).toBe(command?.id ?? null)
  const { index: _, ...update }: CommandUpdate = drawUpdate(
    world,
    command?.index ?? 0,
    command === null ? null : { stage: 'poll', draft: command.origin.draft },
    command,
  )
  const options = drawOptions(world, 1)
  const expected: CompletionVerdict =
    command === null ? 'not_found' : command.carrier === null ? 'ok' : 'busy'
  expect(await store.control.complete([{ tokenHash, update }], options)).toEqual([expected])
  if (expected === 'ok') updateInModel(command as ModelCommand, update, scene.now())
  followed(world, [expected], options)
}

function findWaiting({ scene, model }: World, tokenHash: string): ModelCommand | null {
  for (const command of model.inState('pending')) {
    const { completion } = command
    if (completion?.tokenHash === tokenHash && completion.expiresAt > scene.now()) return command
  }
  return null
}

/** Nobody wants what is dead. */
export async function discardAll(world: World): Promise<void> {
  const { scene, model } = world
  const dead = model.inState('dead')
  if (dead.length === 0) return
  const answer = await scene.store.control.discard(dead.map(({ id }) => id))
  scene.expect(answer).toEqual(dead.map(() => 'ok'))
  for (const command of dead) {
    cancelInModel(model, command, scene.now())
    command.generation += 1
  }
}

/** There is one row for each verb that changed something, and no other. */
export async function expectAudited({ scene, model }: World): Promise<void> {
  const { items } = await scene.store.reader.audit({ limit: 500 })
  scene.expect(items.map(({ count }) => count).reverse()).toEqual(model.audited)
}
