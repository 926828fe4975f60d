// Kafka keeps what was consumed until it is old; here nothing gets old, so what everybody has settled is deleted, now and then. Nothing
// depends on it: what could not be deleted this time is deleted with what comes later.

import type { Admin } from 'kafkajs'
import type { Cancel } from '../../ports/index.js'
import type { Machine } from '../driver/index.js'

export interface TrimmerParts {
  readonly machine: Machine
  readonly isOn: boolean
  readonly run: (work: (admin: Admin) => Promise<void>) => Promise<void>
}

const EVERY_MS = 30_000

export class Trimmer {
  readonly #parts: TrimmerParts
  readonly #settled = new Map<string, Map<number, number>>()
  #cancel: Cancel | null = null
  #isClosed = false

  constructor(parts: TrimmerParts) {
    this.#parts = parts
  }

  /** Everything before the offset was settled, and the group knows. */
  note(topic: string, partition: number, offset: number): void {
    if (!this.#parts.isOn || this.#isClosed) return
    const partitions = this.#settled.get(topic) ?? new Map<number, number>()
    this.#settled.set(topic, partitions.set(partition, offset))
    this.#cancel ??= this.#parts.machine.schedule(EVERY_MS, () => void this.#trim())
  }

  close(): void {
    this.#isClosed = true
    this.#cancel?.()
  }

  async #trim(): Promise<void> {
    this.#cancel = null
    const due = [...this.#settled]
    this.#settled.clear()
    await this.#parts
      .run(async (admin) => {
        for (const [topic, offsets] of due) {
          const partitions = [...offsets].map(([partition, offset]) => ({
            partition,
            offset: String(offset),
          }))
          // The client deletes only in topics that it was asked about before.
          await admin.fetchTopicOffsets(topic)
          await admin.deleteTopicRecords({ topic, partitions })
        }
      })
      .catch(() => {})
  }
}
