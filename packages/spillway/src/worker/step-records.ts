// The records of steps of many commands: looked at when one of them may have to be undone, and removed once they are of no use.

import { SpillwayError } from '../errors/index.js'
import type { Telemetry } from '../ports/index.js'
import { isUndoable, STEPS_TTL_MS, type StepStore, stepsKey, stepsOf } from './step-record.js'

/** Commands whose records are being removed at once; beyond that they are left to expire. */
const FORGETTING_MAX = 10_000
/** Records of one call of the store. */
const RECORDS_PER_CALL = 500

export interface StepRecordsOptions extends StepStore {
  readonly telemetry: Telemetry
}

export class StepRecords {
  readonly #options: StepRecordsOptions
  readonly #errands = new Set<Promise<void>>()
  #forgetting = 0

  constructor(options: StepRecordsOptions) {
    this.#options = options
  }

  /** Which of these commands have recorded steps that can be undone. */
  async undoable(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const undoable = new Set<string>()
    for (let from = 0; from < ids.length; from += RECORDS_PER_CALL) {
      const some = ids.slice(from, from + RECORDS_PER_CALL)
      const { values } = await this.#options.shared.read(some.map(stepsKey))
      for (const [at, id] of some.entries())
        if (isUndoable(stepsOf(values[at]?.value ?? null))) undoable.add(id)
    }
    return undoable
  }

  /** Sooner or later. What cannot be removed expires. */
  forget(ids: readonly string[]): void {
    if (ids.length === 0) return
    if (this.#forgetting + ids.length > FORGETTING_MAX) {
      this.#recordFault(
        new SpillwayError('store_unavailable', 'too many records of steps wait to be removed'),
      )
      return
    }
    this.#forgetting += ids.length
    const errand = this.#remove(ids)
      .catch((error: unknown) => this.#recordFault(error))
      .finally(() => {
        this.#forgetting -= ids.length
        this.#errands.delete(errand)
      })
    this.#errands.add(errand)
  }

  async close(): Promise<void> {
    await Promise.all(this.#errands)
  }

  async #remove(ids: readonly string[]): Promise<void> {
    const { shared } = this.#options
    for (let from = 0; from < ids.length; from += RECORDS_PER_CALL) {
      const keys = ids.slice(from, from + RECORDS_PER_CALL).map(stepsKey)
      const { values } = await shared.read(keys)
      const writes = keys.flatMap((key, at) => {
        const version = values[at]?.version
        return version === undefined ? [] : [{ key, value: null, version, ttlMs: STEPS_TTL_MS }]
      })
      if (writes.length > 0) await shared.write(writes)
    }
  }

  #recordFault(error: unknown): void {
    this.#options.telemetry.record({ event: 'fault', where: 'worker.steps', error })
  }
}
