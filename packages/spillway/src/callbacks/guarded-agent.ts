// Hands out connections to receivers, and keeps those that are fit for another delivery for a moment. It does not use undici's own
// pool: that one connects anew to the receiver of a request that was aborted, for nothing, and keeps connecting when nobody
// waits any more. A connection of a delivery that did not end well is destroyed here, whatever it is doing.

import { DeliveryError } from './delivery-error.js'
import { GuardedConnection } from './guarded-connection.js'
import type { GuardedConnectorOptions } from './guarded-connector.js'
import { CONNECTION_AGE_MS_MAX, IDLE_CONNECTIONS_MAX } from './limits.js'

export class GuardedAgent {
  readonly #options: GuardedConnectorOptions
  readonly #connections = new Set<GuardedConnection>()
  /** The oldest first. */
  readonly #idle = new Set<GuardedConnection>()
  #closed = false

  constructor(options: GuardedConnectorOptions) {
    this.#options = options
  }

  /** A connection that is the caller's own until it is released. How many there are is bounded by the deliveries at once. */
  take(origin: string): GuardedConnection {
    if (this.#closed) throw new DeliveryError('aborted', 'the sender is closed')
    const kept = [...this.#idle].findLast((each) => each.origin === origin)
    if (kept !== undefined) {
      this.#idle.delete(kept)
      return kept
    }
    const connection = new GuardedConnection(origin, this.#options)
    this.#connections.add(connection)
    // Closed by the other side, or after having been idle for too long.
    connection.client.on('disconnect', () => {
      if (this.#idle.has(connection)) this.#drop(connection)
    })
    return connection
  }

  /** `reusable`: the exchange on it is complete. */
  release(connection: GuardedConnection, reusable: boolean): void {
    const ageMs = this.#options.clock.monotonic() - connection.openedAt
    const fit = reusable && connection.isOpen && ageMs < CONNECTION_AGE_MS_MAX
    if (fit && !this.#closed) this.#keep(connection)
    else this.#drop(connection)
  }

  /** Ends everything at once: deliveries under way become `aborted`. */
  async close(): Promise<void> {
    this.#closed = true
    const connections = [...this.#connections]
    this.#connections.clear()
    this.#idle.clear()
    await Promise.all(connections.map((connection) => connection.destroy()))
  }

  #keep(connection: GuardedConnection): void {
    this.#idle.add(connection)
    const [oldest] = this.#idle
    if (this.#idle.size > IDLE_CONNECTIONS_MAX && oldest !== undefined) this.#drop(oldest)
  }

  #drop(connection: GuardedConnection): void {
    this.#idle.delete(connection)
    this.#connections.delete(connection)
    void connection.destroy()
  }
}
