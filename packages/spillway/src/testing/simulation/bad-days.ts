// What a type's functions do besides its handler: they say whether a command happened, ask the counterpart, and undo, all of it as
// unreliably as anything else in this world.

import type { BatchContext, CommandContext, HandlerContext } from '../../config/index.js'
import {
  applied,
  type CompletionOutcome,
  failed,
  type HandlerOutcome,
  notApplied,
  type Reconciliation,
  stillUnknown,
} from '../../domain/index.js'
import type { Reply } from '../checker/index.js'
import type { ActPayload } from './acts.js'
import type { TypeSpec } from './command-mix.js'
import { onRecord } from './on-record.js'
import { die, type Scene } from './scene.js'

/** How often the question whether it happened, or undoing it, comes to nothing. */
const MISHAPS = { none: 75, throws: 12, evades: 10, dies: 1.5, hangs: 1 }
const ASKING_MS_MAX = 20
const BACKOFF_MS = 100
const BACKOFF_MAX_MS = 500

/** The options of the definition that say what the type can do. */
export function badDaysOf(spec: TypeSpec, scene: Scene): object {
  const { abilities, timeoutMs } = spec
  const { reconcile, compensate, poll, reconciliations, compensations, undoneWhenDead } = abilities
  const backoff = { delay: BACKOFF_MS, max: BACKOFF_MAX_MS }
  const isUndone = compensate || abilities.steps > 0
  return {
    onFailed: abilities.onFailed,
    ...(reconcile === null
      ? {}
      : { ...askers(reconcile, scene), reconciliation: { attempts: reconciliations, backoff } }),
    ...(compensate ? { compensate: compensator(scene) } : {}),
    ...(isUndone ? { compensation: { attempts: compensations, backoff, onDead: undoneWhenDead } } : {}),
    ...(poll ? { poll: { every: Math.max(50, Math.round(timeoutMs / 4)), run: poller(scene) } } : {}),
    ...toldOf(spec),
  }
}

/** Whom its ends are told to. */
export function toldOf({ abilities }: TypeSpec): object {
  return abilities.callback ? { callback: ({ line }: ActPayload) => `https://${line}.example.com/ends` } : {}
}

function askers(kind: 'one' | 'batch', scene: Scene): object {
  const ask = (ids: readonly string[]): Promise<Reconciliation[]> =>
    onRecord(
      scene.recording,
      'reconcile',
      ids,
      () => reconciled(scene, ids),
      (answers) => answers.map(({ reconciled: said }) => said),
    )
  if (kind === 'one')
    return { reconcile: async (_: ActPayload, { id }: CommandContext) => (await ask([id]))[0] }
  return {
    reconcileBatch: (_: ActPayload[], { commands }: BatchContext) => ask(commands.map(({ id }) => id)),
  }
}

async function reconciled(scene: Scene, ids: readonly string[]): Promise<Reconciliation[]> {
  await trouble(scene)
  const { counterpart, dice } = scene
  return ids.map((id) => {
    if (dice.chance(0.2)) return stillUnknown()
    return counterpart.hasDone(id) ? applied() : notApplied()
  })
}

function compensator(scene: Scene) {
  return (_: ActPayload, __: unknown, { id }: CommandContext): Promise<HandlerOutcome | null> =>
    onRecord(
      scene.recording,
      'compensate',
      [id],
      () => undone(scene, id),
      (outcome) => [outcome === null ? 'ok' : (outcome.outcome as Reply)],
    )
}

async function undone(scene: Scene, id: string): Promise<HandlerOutcome | null> {
  await trouble(scene)
  if (scene.dice.chance(0.05)) return failed('this cannot be undone')
  scene.counterpart.undo(id)
  return null
}

function poller(scene: Scene) {
  return async (_: ActPayload, { id }: CommandContext): Promise<CompletionOutcome | null> => {
    await trouble(scene)
    const answer = scene.counterpart.answerTo(id)
    if (answer === null) return null
    const { recording } = scene
    const call = recording.serial()
    recording.add({ kind: 'replied', call, id, stage: 'poll', reply: answer.outcome })
    return answer
  }
}

/** Does the payload's work in steps, of which each can be undone. */
export async function takeSteps(
  scene: Scene,
  count: number,
  context: HandlerContext,
  call: number,
): Promise<void> {
  const { id } = context
  const note = (step: number, what: 'done' | 'recorded' | 'undone'): void =>
    scene.recording.add({ kind: 'stepped', call, id, step, what })
  for (let step = 1; step <= count; step += 1) {
    await context.step(
      `step-${step}`,
      async () => {
        await trouble(scene)
        note(step, 'done')
        return step
      },
      async () => {
        await trouble(scene)
        note(step, 'undone')
      },
    )
    note(step, 'recorded')
  }
}

async function trouble(scene: Scene): Promise<void> {
  const { dice, life, recording } = scene
  const mishap = dice.weighted(MISHAPS)
  await life.clock.sleep(dice.whole(1, ASKING_MS_MAX))
  if (mishap === 'throws') throw new Error('the counterpart hung up')
  if (mishap === 'dies') return die(scene)
  if (mishap !== 'hangs') return
  recording.incident(life.process, 'hangs')
  return new Promise(() => {})
}
