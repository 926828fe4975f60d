// What a worker may say about a command in a random sequence: any outcome that its stage can have.

import type { CommandUpdate, RowNotes, Stage } from '../../../domain/index.js'
import {
  awaiting,
  blocking,
  doubting,
  dying,
  failing,
  retrying,
  succeeding,
  undoing,
  undone,
} from '../updates.js'
import type { Choices } from './choices.js'
import type { ModelChunk, ModelCommand } from './model.js'
import type { World } from './world.js'

export const DUE_AFTER_MS = [1_003, 25_003] as const
const TOKEN_MS = [20_005, 200_005] as const

/** Keys of an ordered queue: few, so that they are often held up. */
export function orderingKeyOf(index: number): string {
  return `ordering key ${index % 2}`
}

export function drawUpdate(
  world: World,
  index: number,
  chunk: Pick<ModelChunk, 'stage' | 'draft'> | null,
  command: ModelCommand | null,
): CommandUpdate {
  const { choices } = world
  const attempts = (command?.attempts ?? 0) + 1
  const isOrdered = chunk !== null && chunk.draft.partition !== null
  const orderingKey = isOrdered ? orderingKeyOf(command?.index ?? index) : null
  const notes = { attempts, orderingKey, ...drawMemo(choices) }
  const stage = chunk?.stage ?? 'execute'
  return choices.pick(updatesOf(world, index, stage, notes))()
}

type Draw = () => CommandUpdate

function updatesOf(
  world: World,
  index: number,
  stage: Stage,
  notes: RowNotes & { readonly attempts: number },
): readonly [Draw, ...Draw[]] {
  const { choices } = world
  const { attempts } = notes
  const delayMs = () => choices.pick(DUE_AFTER_MS)
  const undo: Draw = () => undoing(index, delayMs(), notes)
  const die: Draw = () => dying(index, attempts, { ...notes, stage: stage === 'poll' ? 'reconcile' : stage })
  if (stage === 'compensate') return [() => undone(index, notes), undo, die]
  const answers: readonly [Draw, ...Draw[]] = [
    () => succeeding(index, 'value', attempts),
    () => failing(index, attempts),
    () => retrying(index, delayMs(), attempts, notes),
    die,
    () => doubting(index, delayMs(), notes),
    () => awaiting(index, delayMs(), null, { ...notes, completion: drawToken(world) }),
    undo,
  ]
  const { orderingKey = null } = notes
  if (orderingKey === null || stage !== 'execute') return answers
  return [...answers, () => blocking(index, orderingKey, notes), () => blocking(index, orderingKey, notes)]
}

function drawMemo(choices: Choices): Pick<RowNotes, 'memo'> {
  const memo = choices.pick([undefined, '{"n":1}', null])
  return memo === undefined ? {} : { memo }
}

function drawToken({ choices, model }: World): NonNullable<RowNotes['completion']> | null {
  if (choices.once(4)) return null
  const tokenHash = `token ${model.tokens.length}`
  model.tokens.push(tokenHash)
  return { tokenHash, expiresInMs: choices.pick(TOKEN_MS) }
}
