// Tells the store that this process is there, again and again, and that it leaves. Whether that works disturbs nothing: work is
// fenced by leases of its own, and a node that nobody hears of is only shown as silent.

import type { Clock, NodeDraft, Random, Store, Telemetry } from '../ports/index.js'
import { RecurringTask } from './recurring-task.js'

/** A node survives two lost heartbeats. */
const BEATS_PER_TTL = 3

export interface RegistrationOptions {
  readonly nodes: Pick<Store['nodes'], 'heartbeat' | 'leave'>
  readonly node: NodeDraft
  /** How long the node counts as alive after a heartbeat. */
  readonly ttlMs: number
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
}

export class Registration {
  readonly #options: RegistrationOptions
  readonly #task: RecurringTask

  constructor(options: RegistrationOptions) {
    const { nodes, node, ttlMs } = options
    const beatMs = Math.floor(ttlMs / BEATS_PER_TTL)
    this.#options = options
    this.#task = new RecurringTask({
      ...options,
      name: 'node.heartbeat',
      everyMs: beatMs,
      failurePauseMsMax: beatMs,
      step: async () => {
        await nodes.heartbeat(node, ttlMs)
        return false
      },
    })
  }

  start(): void {
    this.#task.start()
  }

  async stop(): Promise<void> {
    await this.#task.stop()
    const { nodes, node, telemetry } = this.#options
    try {
      await nodes.leave(node.id)
    } catch (error) {
      // It is shown as silent and forgotten in time.
      telemetry.record({ event: 'fault', where: 'node.leave', error })
    }
  }
}
