// A role that only one node may have at a time, held by a lease in the store: taken when it is free, renewed while this process
// lives, and given up on doubt. What it guards must still be harmless if two do it for a moment, or name the token: a process
// that was stopped between looking and acting knows nothing of the time that passed.

import type { Clock, Random, RoleLease, Store, Telemetry } from '../ports/index.js'
import { RecurringTask } from './recurring-task.js'

/** A lease survives two lost renewals, and a free role waits this part of one for somebody to notice. */
const BEATS_PER_LEASE = 6
/** Of the lease that is not used: clocks of different hosts run at different speeds. */
const UNUSED_PART = 0.1

export interface RoleKeeperOptions {
  readonly role: string
  readonly nodeId: string
  readonly nodes: Pick<Store['nodes'], 'acquire' | 'release'>
  readonly leaseMs: number
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
  /** The role became this node's. */
  readonly onTaken: () => void
}

interface Tenure {
  readonly token: number
  /** By the monotonic clock: until then nobody else can have it. */
  readonly until: number
}

export class RoleKeeper {
  readonly #options: RoleKeeperOptions
  readonly #task: RecurringTask
  #tenure: Tenure | null = null
  #stopped = false

  constructor(options: RoleKeeperOptions) {
    const beatMs = Math.floor(options.leaseMs / BEATS_PER_LEASE)
    this.#options = options
    this.#task = new RecurringTask({
      ...options,
      name: `role.${options.role}`,
      everyMs: beatMs,
      failurePauseMsMax: beatMs,
      step: () => this.#renew(),
    })
  }

  /** Whether this node may act in the role now. False as soon as that is in doubt, however late the store says so. */
  get held(): boolean {
    return !this.#stopped && this.#tenure !== null && this.#options.clock.monotonic() < this.#tenure.until
  }

  start(): void {
    this.#task.start()
  }

  /** Gives the role back, so that the next node need not wait for the lease to end. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#task.stop()
    const tenure = this.#tenure
    this.#tenure = null
    if (tenure !== null) await this.#release(tenure.token)
  }

  async #renew(): Promise<boolean> {
    const { nodes, role, nodeId, leaseMs, clock, onTaken } = this.#options
    // Counted from before the call: the store's own clock started the lease no earlier than that.
    const until = clock.monotonic() + leaseMs * (1 - UNUSED_PART)
    const before = this.#tenure
    const lease = await nodes.acquire(role, nodeId, leaseMs)
    this.#tenure = lease === null ? null : { token: lease.token, until }
    if (lease === null && before !== null) this.#tell('role.lost', before.token)
    if (lease !== null && lease.token !== before?.token) {
      this.#tell('role.taken', lease.token)
      onTaken()
    }
    return false
  }

  async #release(token: RoleLease['token']): Promise<void> {
    const { nodes, role, telemetry } = this.#options
    try {
      await nodes.release({ role, token })
    } catch (error) {
      // It ends by itself.
      telemetry.record({ event: 'fault', where: `role.${role}`, error })
    }
  }

  #tell(what: string, token: number): void {
    const { role, nodeId, telemetry } = this.#options
    telemetry.record({ event: 'lifecycle', what, details: { role, node: nodeId, token } })
  }
}
