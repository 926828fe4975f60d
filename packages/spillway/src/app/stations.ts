// Starting and stopping the parts in the order in which commands flow, so that nothing accepted is left without somebody
// who will handle it, and what lies outside of this process is the last to go.

import type { Maintenance, Registration } from '../maintenance/index.js'
import type { Channel, Executor } from '../ports/index.js'
import type { Worker } from '../worker/index.js'
import type { Connections } from './connections/index.js'
import { inOrder } from './in-order.js'

export interface StationParts {
  readonly connections: Pick<Connections, 'close'>
  readonly channels: readonly Channel[]
  readonly executor: Pick<Executor, 'close'>
  readonly worker: Worker | null
  readonly maintenance: Maintenance | null
  /** Null in a process that does not count among the nodes. */
  readonly registration: Registration | null
  /** What else to give back at the very end: threads, the hold on the process. */
  readonly release: () => void | Promise<void>
}

export class Stations {
  readonly #parts: StationParts

  constructor(parts: StationParts) {
    this.#parts = parts
  }

  get worker(): Worker | null {
    return this.#parts.worker
  }

  start(): void {
    this.#parts.registration?.start()
    this.#parts.worker?.start()
    this.#parts.maintenance?.start()
  }

  async drain(): Promise<void> {
    const { channels, worker } = this.#parts
    await Promise.all(channels.map((channel) => channel.drain()))
    await worker?.idle()
  }

  /** Every part is stopped even when one of them fails; the first failure is rethrown at the end. */
  async close(): Promise<void> {
    const { channels, executor, worker, maintenance, registration, connections, release } = this.#parts
    await inOrder([
      () => Promise.all(channels.map((channel) => channel.close())),
      () => maintenance?.stop(),
      () => worker?.stop(),
      () => executor.close(),
      () => registration?.stop(),
      () => connections.close(),
      release,
    ])
  }
}
