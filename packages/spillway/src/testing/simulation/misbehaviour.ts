// How acts go wrong, for all handlers alike.

import { failed, type HandlerOutcome, ok, retry, unknown } from '../../domain/index.js'
import { type ActPayload, misbehaves } from './acts.js'
import { die, type Scene } from './scene.js'

/** One command as its handler sees it. */
export interface Part {
  readonly id: string
  readonly attempt: number
  readonly payload: ActPayload
}

type Place = Pick<Scene, 'life' | 'recording'>

/** Dies, hangs, stalls or throws if a part's act says so. */
export async function misbehave(parts: readonly Part[], place: Place, signal: AbortSignal): Promise<void> {
  const { life, recording } = place
  if (mustDie(parts)) return die(place)
  if (someone(parts, 'hang')) {
    recording.incident(life.process, 'hangs')
    return new Promise(() => {})
  }
  if (someone(parts, 'stall')) {
    recording.incident(life.process, 'stalls')
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve()
      else signal.addEventListener('abort', () => resolve())
    })
    throw signal.reason
  }
  throwFor(parts, place)
}

export function mustDie(parts: readonly Part[]): boolean {
  return someone(parts, 'crash') || someone(parts, 'crash-some')
}

export function throwFor(parts: readonly Part[], { life, recording }: Place): void {
  if (someone(parts, 'broken'))
    throw Object.assign(new Error('nothing will change this'), { fault: 'permanent' })
  if (someone(parts, 'flaky'))
    throw Object.assign(new Error('the counterpart hung up'), { fault: 'transient' })
  if (!someone(parts, 'poison')) return
  if (parts.length > 1) recording.incident(life.process, 'bisects')
  throw new RangeError('the payload does not fit')
}

/** All outcomes, or one too few. */
export function withoutOneIfShort(
  parts: readonly Part[],
  outcomes: HandlerOutcome[],
  { life, recording }: Place,
): HandlerOutcome[] {
  if (!someone(parts, 'short')) return outcomes
  recording.incident(life.process, 'returns too few outcomes')
  return outcomes.slice(0, -1)
}

export function outcomesOf(parts: readonly Part[]): HandlerOutcome[] {
  return parts.map(({ payload, attempt }) => {
    if (payload.act === 'refuse') return failed('not this one')
    if (payload.act === 'again' && misbehaves(payload, attempt)) return retry('not yet')
    if (payload.act === 'unknown' && misbehaves(payload, attempt)) return unknown('the line went dead')
    return payload.act === 'value' ? ok({ n: payload.n }) : ok()
  })
}

export function slownessMs(parts: readonly Part[]): number {
  const slow = parts.filter(({ payload }) => payload.act === 'slow').map(({ payload }) => payload.ms)
  return Math.max(1, ...slow)
}

function someone(parts: readonly Part[], act: ActPayload['act']): boolean {
  return parts.some(({ payload, attempt }) => payload.act === act && misbehaves(payload, attempt))
}
