// Pauses a queue for every process when a handler's database lacks what it needs: whoever runs the commands next would only meet
// the same. Somebody has to put it right and resume the queue.

import type { Store, Telemetry } from '../ports/index.js'
import { pauseReasonOf, type SchemaFault } from './schema-fault.js'

export interface QueueHaltOptions {
  readonly store: Pick<Store, 'control'>
  readonly telemetry: Telemetry
  readonly queue: string
}

export class QueueHalt {
  readonly #options: QueueHaltOptions
  #pausing: Promise<boolean> | null = null

  constructor(options: QueueHaltOptions) {
    this.#options = options
  }

  /** False when the store could not be told. Handler calls that fail together share one pause. */
  pause(type: string, fault: SchemaFault): Promise<boolean> {
    this.#pausing ??= this.#pause(type, fault).finally(() => {
      this.#pausing = null
    })
    return this.#pausing
  }

  async #pause(type: string, fault: SchemaFault): Promise<boolean> {
    const { store, telemetry, queue } = this.#options
    const reason = pauseReasonOf(type, fault)
    let paused = true
    try {
      await store.control.configureQueue(queue, { paused: true, pauseReason: reason })
    } catch (error) {
      telemetry.record({ event: 'fault', where: 'worker.pause', error })
      paused = false
    }
    telemetry.record({ event: 'queue.halted', queue, type, errorCode: fault.code, reason, paused })
    return paused
  }
}
