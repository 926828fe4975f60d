// Stores what is not executed at once: scheduled commands, those of ordered partitions and of tenants that take turns, types that this
// process has no handler for, records of conflicts. One append at a time, so that a partition gets into the store in the order it came.

import { CHUNK_BYTES_MAX } from '../../domain/index.js'
import type { Clock, Random, Telemetry } from '../../ports/index.js'
import { storeBackoffMs } from '../store-backoff.js'
import type { Cargo } from './cargo.js'
import type { Landing } from './landing.js'
import type { Mailbox } from './mailbox.js'
import type { Message } from './message.js'

/** Messages of one append. */
const STOWED_MESSAGES_MAX = 256

export interface StowageOptions {
  readonly mailbox: Mailbox
  readonly landing: Landing
  readonly load: (messages: readonly Message[]) => readonly Cargo[]
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
}

export class Stowage {
  readonly #options: StowageOptions
  readonly #stopped = new AbortController()
  /** To be stored next, whatever waits in the mailbox. */
  #first: Cargo[] = []
  #running: Promise<void> | null = null

  constructor(options: StowageOptions) {
    this.#options = options
  }

  add(cargo: Cargo): void {
    this.#first.push(cargo)
    this.consider()
  }

  /** To be called when the mailbox has something for the store. */
  consider(): void {
    const { mailbox } = this.#options
    if (this.#stopped.signal.aborted || this.#running !== null) return
    if (this.#first.length === 0 && mailbox.forStore.size === 0) return
    this.#running = this.#run()
  }

  /** Begins nothing more; resolves when what is on its way was answered. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { landing, clock, random, telemetry } = this.#options
    const { signal } = this.#stopped
    let failures = 0
    for (let cargos = this.#next(); cargos.length > 0 && !signal.aborted; cargos = this.#next()) {
      const { left, error } = await landing.land(cargos, null)
      failures = left.length === 0 ? 0 : failures + 1
      if (failures === 0) continue
      // Before what came meanwhile: what follows in its partition must not get into the store first.
      this.#first = [...left, ...this.#first]
      telemetry.record({ event: 'fault', where: 'worker.deliveries', error })
      await clock.sleep(storeBackoffMs(failures, random), signal)
    }
    this.#running = null
  }

  #next(): readonly Cargo[] {
    if (this.#first.length > 0) {
      const first = this.#first
      this.#first = []
      return first
    }
    const { mailbox, load } = this.#options
    const messages: Message[] = []
    let bytes = 0
    for (const message of mailbox.forStore) {
      const isFirst = messages.length === 0
      if (!isFirst && (messages.length === STOWED_MESSAGES_MAX || bytes + message.bytes > CHUNK_BYTES_MAX))
        break
      messages.push(message)
      bytes += message.bytes
    }
    mailbox.takeForStore(messages)
    return load(messages)
  }
}
