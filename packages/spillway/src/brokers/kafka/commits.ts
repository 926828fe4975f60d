// Tells the group how far each partition was read: one request at a time, with everything that was ended since the one before.

import type { Consumer } from 'kafkajs'
import type { Machine } from '../driver/index.js'
import type { Lane } from './lane.js'

export interface CommitsParts {
  readonly consumer: Consumer
  readonly topic: string
  readonly machine: Machine
  readonly lanes: () => Iterable<Lane>
  readonly onCommitted: (lane: Lane, offset: number) => void
}

/** Between two commits: what a crash in between makes come again is recognised. */
const EVERY_MS = 20

export class Commits {
  readonly #parts: CommitsParts
  #isResting = false
  #isNoted = false

  constructor(parts: CommitsParts) {
    this.#parts = parts
  }

  /** Something was ended. */
  note(): void {
    if (this.#isResting) this.#isNoted = true
    else this.#commitAndRest()
  }

  /** Commits what was ended so far; never rejects: what was not committed is committed with the next, or comes again. */
  now(): Promise<void> {
    return this.#commit()
  }

  #commitAndRest(): void {
    this.#isResting = true
    this.#isNoted = false
    const { machine } = this.#parts
    // What is ended in one go is committed in one go.
    void Promise.resolve()
      .then(() => this.#commit())
      .then(() =>
        machine.schedule(EVERY_MS, () => {
          this.#isResting = false
          if (this.#isNoted) this.note()
        }),
      )
  }

  async #commit(): Promise<void> {
    const { consumer, topic, lanes, onCommitted } = this.#parts
    const due = [...lanes()].flatMap((lane) => {
      const offset = lane.isVoid ? null : lane.toCommit
      return offset === null ? [] : [{ lane, offset }]
    })
    if (due.length === 0) return
    try {
      await consumer.commitOffsets(
        due.map(({ lane: { partition }, offset }) => ({ topic, partition, offset: String(offset) })),
      )
    } catch {
      // The group is changing, or its coordinator is away: both end in a new membership, or in the next commit.
      this.note()
      return
    }
    for (const { lane, offset } of due) {
      lane.committed(offset)
      onCommitted(lane, offset)
    }
  }
}
