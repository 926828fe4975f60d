// How far an operation has got, shared through the store, so that another execution goes on where one ended. The page that is about to
// be dealt with is written down first, with what tells whether it was: a crash between the two neither repeats nor forgets a command.

import { RESERVED_PREFIX } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import type { Random, StoreShared } from '../ports/index.js'
import type { Place } from './matches.js'

/** Longer than operations are kept. */
const PROGRESS_TTL_MS = 400 * 86_400_000

export interface OperationCounts {
  /** Commands looked at, changed, and no longer in a state that allowed it. */
  readonly seen: number
  readonly changed: number
  readonly conflicts: number
}

/** Commands that are about to be dealt with, and how often each had been redriven or discarded by then. */
export interface BegunPage {
  readonly ids: readonly string[]
  readonly generations: readonly number[]
}

export interface OperationProgress extends OperationCounts {
  /** Where to go on once the page is dealt with; null = nowhere, it is done. */
  readonly next: Place | null
  readonly page: BegunPage | null
}

export const NO_COUNTS: OperationCounts = Object.freeze({ seen: 0, changed: 0, conflicts: 0 })

type SharedProgress = Pick<StoreShared, 'read' | 'write'>

export class ProgressRecord {
  readonly #shared: SharedProgress
  readonly #key: string
  /** Marks what this execution wrote, so that nothing else is ever taken for it. */
  readonly #by: string
  #version = 0

  constructor(shared: SharedProgress, random: Random, operationId: string) {
    this.#shared = shared
    this.#key = keyOf(operationId)
    this.#by = Math.floor(random() * Number.MAX_SAFE_INTEGER).toString(36)
  }

  /** Takes over what an earlier execution wrote, which changes nothing from then on; null when there was none. */
  async takeOver(): Promise<OperationProgress | null> {
    const found = progressOf(await this.#read())
    if (found !== null) await this.save(found)
    return found
  }

  /** Throws `lease_lost` when another execution of the operation goes on with it. */
  async save({ seen, changed, conflicts, next, page }: OperationProgress): Promise<void> {
    const value = JSON.stringify({ by: this.#by, seen, changed, conflicts, next, page })
    const write = { key: this.#key, value, version: this.#version, ttlMs: PROGRESS_TTL_MS }
    const [verdict] = await this.#shared.write([write])
    // The store gives versions; which one this write got is told by reading it.
    if (verdict !== 'ok' || (await this.#read()) !== value)
      throw new SpillwayError('lease_lost', 'another execution of this operation goes on with it')
  }

  async #read(): Promise<string | null> {
    const { values } = await this.#shared.read([this.#key])
    this.#version = values[0]?.version ?? 0
    return values[0]?.value ?? null
  }
}

export async function operationCounts(
  shared: Pick<StoreShared, 'read'>,
  operationId: string,
): Promise<OperationCounts> {
  const { values } = await shared.read([keyOf(operationId)])
  return progressOf(values[0]?.value ?? null) ?? NO_COUNTS
}

function keyOf(operationId: string): string {
  return `${RESERVED_PREFIX}operation/${operationId}`
}

function progressOf(text: string | null): OperationProgress | null {
  return text === null ? null : (JSON.parse(text) as OperationProgress)
}
