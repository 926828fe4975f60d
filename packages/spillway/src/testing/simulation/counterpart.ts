// The world outside that commands have their effects in. It outlives every process, remembers what really happened, and answers what it
// was asked to do later in its own good time: once, twice, too early, too late, or not at all.

import { type CompletionOutcome, failed, ok, retry, unknown } from '../../domain/index.js'
import type { Clock } from '../../ports/index.js'
import type { ActPayload } from './acts.js'
import type { Dice } from './dice.js'
import type { Recording } from './recording.js'

/** How long after the deadline an answer comes that comes too late, at most. */
const LATE_MS_MAX = 600
/** How long a counterpart takes at most to answer twice, or with the right token after a wrong one. */
const AGAIN_MS_MAX = 100

export interface CounterpartOptions {
  readonly clock: Clock
  readonly dice: Dice
  readonly recording: Recording
  /** Shows a token to whatever process takes calls. */
  readonly complete: (token: string, outcome: CompletionOutcome) => void
}

export class Counterpart {
  readonly #options: CounterpartOptions
  readonly #done = new Set<string>()
  /** Its answers to what it was asked to do later, once it has them. */
  readonly #answers = new Map<string, CompletionOutcome>()

  constructor(options: CounterpartOptions) {
    this.#options = options
  }

  /** Has the effect. Doing it twice is having it twice. */
  do(id: string, payload: ActPayload): void {
    this.#done.add(id)
    this.#options.recording.add({ kind: 'effect', id, payload: JSON.stringify(payload) })
  }

  hasDone(id: string): boolean {
    return this.#done.has(id)
  }

  undo(id: string): void {
    this.#done.delete(id)
  }

  /** What it says to a poll. */
  answerTo(id: string): CompletionOutcome | null {
    return this.#answers.get(id) ?? null
  }

  /** Takes it on. A token is shown when it is done; without one it waits for being polled. */
  take(id: string, payload: ActPayload, token: string | null, deadlineMs: number): void {
    const { clock, dice, complete } = this.#options
    this.#answers.delete(id)
    const show = (ms: number, shown: string | null, outcome: CompletionOutcome): void => {
      if (shown !== null) clock.schedule(ms, () => complete(shown, outcome))
    }
    if (payload.way === 'never') return
    if (payload.way === 'wrong token') show(0, `${token ?? id} but wrong`, ok())
    // So early that the command does not wait yet.
    const workMs = payload.way === 'early' ? 0 : Math.min(payload.ms, deadlineMs)
    const isLate = payload.way === 'late'
    clock.schedule(isLate ? deadlineMs + dice.whole(1, LATE_MS_MAX) : workMs, () => {
      const outcome = outcomeOf(payload)
      if (outcome.outcome === 'ok') this.do(id, payload)
      this.#answers.set(id, outcome)
      show(0, token, outcome)
      if (payload.way === 'twice' || payload.way === 'early')
        show(dice.whole(0, AGAIN_MS_MAX), token, outcome)
    })
  }
}

function outcomeOf({ n, way }: ActPayload): CompletionOutcome {
  switch (way) {
    case 'refuses':
      return failed('not this one, after all')
    case 'again':
      return retry('ask once more')
    case 'does not know':
      return unknown('the counterpart has lost track of it')
    default:
      return n % 2 === 0 ? ok({ n }) : ok()
  }
}
