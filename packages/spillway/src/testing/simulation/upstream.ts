// Who is told how commands ended: a receiver of callbacks that is slow, fails, loses its answers, and now and then is gone.

import type { CallbackPayload, DeliveryResult } from '../../callbacks/index.js'
import type { Dice } from './dice.js'
import type { Life } from './life.js'
import type { Recording } from './recording.js'

const ANSWER_MS_MAX = 60
const GONE = 410

const MANNERS = { takes: 70, fails: 12, 'takes, and its answer is lost': 6, resets: 8, 'is gone': 0.5 }

export interface UpstreamOptions {
  readonly life: Life
  readonly dice: Dice
  readonly recording: Recording
}

/** In place of the sender that goes through the network. */
export function upstream({ life, dice, recording }: UpstreamOptions) {
  const deliver = (payload: CallbackPayload, taken: boolean): void => {
    const { id: callback, body } = payload
    recording.add({ kind: 'delivered', callback, body, taken })
  }
  return {
    async send(payload: CallbackPayload): Promise<DeliveryResult> {
      const manner = dice.weighted(MANNERS)
      const durationMs = dice.whole(1, ANSWER_MS_MAX)
      await life.clock.sleep(durationMs)
      switch (manner) {
        case 'takes':
          deliver(payload, true)
          return answer(200, durationMs)
        case 'takes, and its answer is lost':
          deliver(payload, true)
          return reset(durationMs)
        case 'fails':
          deliver(payload, false)
          return answer(503, durationMs)
        case 'is gone':
          deliver(payload, false)
          return answer(GONE, durationMs)
        case 'resets':
          deliver(payload, false)
          return reset(durationMs)
      }
    },
  }
}

function answer(status: number, durationMs: number): DeliveryResult {
  return { kind: 'answer', status, durationMs, snippet: '', cut: null, retryAfterMs: null }
}

function reset(durationMs: number): DeliveryResult {
  return { kind: 'fault', code: 'reset', message: 'the connection ended', durationMs }
}
