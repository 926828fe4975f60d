// What the steps of one command came to, kept in the store for as long as the command may be tried again or undone. Every write
// names what it takes the place of, so that an execution which lost its command changes nothing any more.

import { STEPS_BYTES_MAX } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import type { Clock, Random, SharedValue, StoreShared } from '../ports/index.js'
import { storeBackoffMs } from './store-backoff.js'

/** Longer than any command waits for its counterpart or is kept: what is forgotten too early would be done twice, and never undone. */
export const STEPS_TTL_MS = 400 * 86_400_000
/** Writes and reads of one change of a record, while the store fails or does not say what became of it. */
const RECORD_TRIES_MAX = 5
const PREFIX = 'spillway.steps/'

export interface RecordedStep {
  readonly name: string
  /** What its function returned, as JSON has it; absent = nothing. */
  readonly result?: unknown
  /** It came with a function that undoes it. */
  readonly undo?: true
}

export interface StepStore {
  readonly shared: Pick<StoreShared, 'read' | 'write'>
  readonly clock: Clock
  readonly random: Random
}

export function stepsKey(commandId: string): string {
  return `${PREFIX}${commandId}`
}

export class StepRecord {
  readonly #store: StepStore
  readonly #key: string
  /** Marks what this execution wrote, so that nothing else is ever taken for it. */
  readonly #by: string
  #steps: readonly RecordedStep[] = []
  /** As it stands in the store as far as we know; null = there is none. */
  #text: string | null = null
  /** Of that text; null = to be read, because the last write did not tell. */
  #version: number | null = 0

  constructor(store: StepStore, commandId: string) {
    this.#store = store
    this.#key = stepsKey(commandId)
    this.#by = Math.floor(store.random() * Number.MAX_SAFE_INTEGER).toString(36)
  }

  get steps(): readonly RecordedStep[] {
    return this.#steps
  }

  get undoable(): boolean {
    return isUndoable(this.#steps)
  }

  /** Takes over what earlier executions recorded. */
  async load(): Promise<void> {
    const found = await this.#read()
    this.#text = found?.value ?? null
    this.#version = found?.version ?? 0
    this.#steps = stepsOf(this.#text)
  }

  /** Is in the store before it resolves. Throws `lease_lost` when somebody else wrote since. */
  async replace(steps: readonly RecordedStep[], signal: AbortSignal): Promise<void> {
    const text = steps.length === 0 ? null : JSON.stringify({ by: this.#by, steps })
    if (text !== null && Buffer.byteLength(text) > STEPS_BYTES_MAX)
      throw new SpillwayError(
        'payload_too_large',
        `the results of a command's steps may have ${STEPS_BYTES_MAX} bytes as JSON; store them elsewhere and return where`,
      )
    for (let tries = 1, written = false; !written; tries += 1)
      written = await this.#written(text, tries, signal)
    this.#text = text
    this.#steps = steps
  }

  /** One try; false = to be tried again. A call of unknown outcome is cleared up by reading. */
  async #written(text: string | null, tries: number, signal: AbortSignal): Promise<boolean> {
    const { shared, clock, random } = this.#store
    try {
      if (this.#version === null) {
        const found = await this.#read()
        if ((found?.value ?? null) === text) return true
        if ((found?.value ?? null) !== this.#text) throw lost()
        this.#version = found?.version ?? 0
      }
      const write = { key: this.#key, value: text, version: this.#version, ttlMs: STEPS_TTL_MS }
      this.#version = null
      const [verdict] = await shared.write([write])
      if (verdict === 'ok') return true
      if (tries >= RECORD_TRIES_MAX) throw lost()
    } catch (error) {
      this.#version = null
      const isLost = error instanceof SpillwayError && error.code === 'lease_lost'
      if (isLost || tries >= RECORD_TRIES_MAX || signal.aborted) throw error
      await clock.sleep(storeBackoffMs(tries, random), signal)
    }
    return false
  }

  async #read(): Promise<SharedValue | null> {
    const { values } = await this.#store.shared.read([this.#key])
    return values[0] ?? null
  }
}

export function isUndoable(steps: readonly RecordedStep[]): boolean {
  return steps.some(({ undo }) => undo === true)
}

/** Throws for text that is no record: to take it for none would do everything again. */
export function stepsOf(text: string | null): readonly RecordedStep[] {
  if (text === null) return []
  const { steps } = JSON.parse(text) as { readonly steps?: readonly RecordedStep[] }
  if (Array.isArray(steps)) return steps
  throw new SpillwayError('internal', 'the record of the steps of this command cannot be read')
}

function lost(): SpillwayError {
  return new SpillwayError(
    'lease_lost',
    'another execution of this command records its steps by now; this one must not go on',
  )
}
