// Handlers whose effects are outside of the store act here as their payloads say.

import { type HandlerOutcome, unknown } from '../../domain/index.js'
import { type ActPayload, misbehaves } from './acts.js'
import { misbehave, outcomesOf, type Part, slownessMs, withoutOneIfShort } from './misbehaviour.js'
import { onRecord } from './on-record.js'
import type { Scene } from './scene.js'

const DEADLINE_MS_MIN = 100
const DEADLINE_MS_MAX = 1_200

export interface Play {
  readonly parts: readonly Part[]
  readonly signal: AbortSignal
  readonly polls: boolean
  /** What is done before anything else, under this number of the call. */
  readonly begin?: (call: number) => Promise<void>
}

/** Asynchronously, with effects at the counterpart. */
export function play(scene: Scene, { parts, signal, polls, begin }: Play): Promise<HandlerOutcome[]> {
  const ids = parts.map(({ id }) => id)
  const stage = scene.stageOf(ids[0] ?? '') === 'compensate' ? 'compensate' : 'execute'
  const act = async (call: number): Promise<HandlerOutcome[]> => {
    await begin?.(call)
    loseAnswers(scene, parts)
    await misbehave(parts, scene, signal)
    await scene.life.clock.sleep(slownessMs(parts))
    const outcomes = outcomesOf(parts).map((outcome, at) => within(scene, parts[at] as Part, outcome, polls))
    return withoutOneIfShort(parts, outcomes, scene)
  }
  // A handler that only shows how its steps are undone says nothing about its command.
  if (stage === 'compensate') return act(scene.recording.serial())
  return onRecord(
    scene.recording,
    stage,
    ids,
    ({ call }) => act(call),
    (outcomes) => (outcomes.length === parts.length ? outcomes.map(({ outcome }) => outcome) : []),
  )
}

/** Does what the outcome says, or leaves it to the counterpart. */
function within(
  scene: Scene,
  { id, attempt, payload }: Part,
  outcome: HandlerOutcome,
  polls: boolean,
): HandlerOutcome {
  const { counterpart, dice, recording } = scene
  if (misbehaves(payload, attempt)) {
    if (payload.act === 'pending') {
      const deadlineMs = dice.whole(DEADLINE_MS_MIN, DEADLINE_MS_MAX)
      const token = polls && dice.chance(0.5) ? null : `token of ${id}, number ${recording.serial()}`
      counterpart.take(id, payload, token, deadlineMs)
      return { outcome: 'pending', deadlineMs, ...(token === null ? {} : { token }) }
    }
    if (payload.act === 'unknown') {
      if (wasDone(payload)) counterpart.do(id, payload)
      return unknown('the line went dead')
    }
  }
  if (outcome.outcome === 'ok') counterpart.do(id, payload)
  return outcome
}

function loseAnswers({ counterpart }: Scene, parts: readonly Part[]): void {
  const lost = parts.filter(({ payload, attempt }) => payload.act === 'lost' && misbehaves(payload, attempt))
  if (lost.length === 0) return
  for (const { id, payload } of lost) counterpart.do(id, payload)
  throw Object.assign(new Error('the answer got lost'), { fault: 'transient' })
}

function wasDone({ n }: ActPayload): boolean {
  return n % 2 === 0
}
